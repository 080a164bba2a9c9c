;; Rabin fingerprints over a window of 64 bytes, as restic's chunker computes them. A cut depends on the 64 bytes before it
;; alone, so regions can be scanned side by side.
;; Memory: 0: what a byte that leaves the window still is after the step in which it leaves (256 x i64); 2048: reduction by the
;; polynomial (256 x i64); 4096: both for firstCut, see there; 16384: the data, with the 64 bytes before it in front. chunker.ts
;; fills the tables.
(module
  (memory (export "memory") 1)
  (data (i32.const 4544) "\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f\0f"
    "\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07\07"
    "\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8\f8"
    "\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f\7f")

  ;; Any number of bytes, any degree, one after the other. $shift is the degree of the polynomial less 8.
  ;; Returns how many bytes belong before the first cut, or -1.
  ;; A step: the digest is shifted by a byte, the new byte added, what was shifted out reduced by the polynomial, and what leaves
  ;; the window taken out of the sum at the end: all of it is linear, and that look-up then waits for nothing.
  (func (export "scan") (param $count i32) (param $shift i64) (result i32)
    (local $p i32) (local $d i64)
    ;; the digest begins with the window before the region
    (loop $warm
      (local.set $d (i64.xor
        (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=16320 (local.get $p)))
        (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (local.get $shift))) (i32.const 3)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $warm (i32.ne (local.get $p) (i32.const 64))))
    (local.set $p (i32.const 0))
    (loop $next
      (local.set $d (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=16384 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (local.get $shift))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=16320 (local.get $p)) (i32.const 3)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (if (i32.eqz (i32.and (i32.wrap_i64 (local.get $d)) (i32.const 0xfffff))) (then (return (local.get $p))))
      (br_if $next (i32.lt_u (local.get $p) (local.get $count))))
    (i32.const -1))

  ;; As scan, of 33792 bytes and a polynomial of degree 53 (every one of restic's): 16 neighbouring regions of 2112 bytes at once.
  ;; Their digests lie side by side: $d0 has the lowest byte of each, $d6 the highest. They are shifted left by 3 bits, so that
  ;; what a step shifts out is a whole byte, $d6, and moving the others up costs nothing. What a byte becomes that is shifted
  ;; out or leaves the window is looked up by halves: for byte k of the digests the table at 4096 + 64 k has 16 entries each for
  ;; the low and the high half of what is shifted out, and for both of what leaves.
  ;; The bytes come in strips of 64 positions of all regions, of which the one before is the window.
  ;; (A region of 2112 bytes, not 2048: the processor's cache would put all 16 into the same few places.)
  (func (export "firstCut") (result i32)
    (local $zero i32) (local $strip i32) (local $new i32) (local $old i32) (local $i i32)
    (local $square i32) (local $from i32) (local $to i32) (local $round i32)
    (local $bits i32) (local $place i32) (local $first i32)
    (local $x v128) (local $y v128)
    (local $low v128) (local $high v128) (local $oldLow v128) (local $oldHigh v128)
    (local $d0 v128) (local $d1 v128) (local $d2 v128) (local $d3 v128) (local $d4 v128) (local $d5 v128) (local $d6 v128)
    (local.set $new (i32.const 8192))
    (local.set $old (i32.const 9216))
    ;; nothing leaves the window while it fills
    (loop $clear
      (v128.store offset=9216 (local.get $i) (local.get $x))
      (br_if $clear (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 1024))))
    (loop $strips
      ;; Four squares of 16 positions of 16 regions. To turn one over, take the upper and the lower half of its rows, byte by byte in
      ;; turn, four times.
      (local.set $square (i32.const 0))
      (loop $squares
        (local.set $i (i32.add (local.get $strip) (local.get $square)))
        (local.set $to (i32.const 10240))
        (local.set $x (v128.load offset=16320 (local.get $i))) (local.set $y (v128.load offset=33216 (local.get $i)))
        (v128.store offset=0 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=16 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=18432 (local.get $i))) (local.set $y (v128.load offset=35328 (local.get $i)))
        (v128.store offset=32 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=48 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=20544 (local.get $i))) (local.set $y (v128.load offset=37440 (local.get $i)))
        (v128.store offset=64 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=80 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=22656 (local.get $i))) (local.set $y (v128.load offset=39552 (local.get $i)))
        (v128.store offset=96 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=112 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=24768 (local.get $i))) (local.set $y (v128.load offset=41664 (local.get $i)))
        (v128.store offset=128 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=144 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=26880 (local.get $i))) (local.set $y (v128.load offset=43776 (local.get $i)))
        (v128.store offset=160 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=176 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=28992 (local.get $i))) (local.set $y (v128.load offset=45888 (local.get $i)))
        (v128.store offset=192 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=208 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $x (v128.load offset=31104 (local.get $i))) (local.set $y (v128.load offset=48000 (local.get $i)))
        (v128.store offset=224 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
        (v128.store offset=240 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
        (local.set $round (i32.const 0))
        (loop $rounds
          (local.set $from (local.get $to))
          (local.set $to (select
            (i32.add (local.get $new) (i32.shl (local.get $square) (i32.const 4)))
            (i32.sub (i32.const 20736) (local.get $from))
            (i32.eq (local.get $round) (i32.const 2))))
          (local.set $x (v128.load offset=0 (local.get $from))) (local.set $y (v128.load offset=128 (local.get $from)))
          (v128.store offset=0 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=16 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=16 (local.get $from))) (local.set $y (v128.load offset=144 (local.get $from)))
          (v128.store offset=32 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=48 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=32 (local.get $from))) (local.set $y (v128.load offset=160 (local.get $from)))
          (v128.store offset=64 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=80 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=48 (local.get $from))) (local.set $y (v128.load offset=176 (local.get $from)))
          (v128.store offset=96 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=112 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=64 (local.get $from))) (local.set $y (v128.load offset=192 (local.get $from)))
          (v128.store offset=128 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=144 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=80 (local.get $from))) (local.set $y (v128.load offset=208 (local.get $from)))
          (v128.store offset=160 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=176 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=96 (local.get $from))) (local.set $y (v128.load offset=224 (local.get $from)))
          (v128.store offset=192 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=208 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (local.set $x (v128.load offset=112 (local.get $from))) (local.set $y (v128.load offset=240 (local.get $from)))
          (v128.store offset=224 (local.get $to) (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
          (v128.store offset=240 (local.get $to) (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
          (br_if $rounds (i32.ne (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 3))))
        (br_if $squares (i32.ne (local.tee $square (i32.add (local.get $square) (i32.const 16))) (i32.const 64))))
      ;; what the filling window looked like means nothing
      (if (i32.le_u (local.get $strip) (i32.const 64)) (then (local.set $first (i32.const -1))))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $x (v128.load (i32.add (local.get $old) (local.get $i))))
        (local.set $y (v128.load (i32.add (local.get $new) (local.get $i))))
        (local.set $oldLow (v128.and (local.get $x) (v128.load offset=4544 (local.get $zero))))
        (local.set $oldHigh (v128.and (i16x8.shr_u (local.get $x) (i32.const 4)) (v128.load offset=4544 (local.get $zero))))
        (local.set $low (v128.and (local.get $d6) (v128.load offset=4544 (local.get $zero))))
        (local.set $high (v128.and (i16x8.shr_u (local.get $d6) (i32.const 4)) (v128.load offset=4544 (local.get $zero))))
        (local.set $d6 (v128.xor
          (v128.xor (local.get $d5) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4512 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4528 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4480 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4496 (local.get $zero)) (local.get $high)))))
        (local.set $d5 (v128.xor
          (v128.xor (local.get $d4) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4448 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4464 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4416 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4432 (local.get $zero)) (local.get $high)))))
        (local.set $d4 (v128.xor
          (v128.xor (local.get $d3) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4384 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4400 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4352 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4368 (local.get $zero)) (local.get $high)))))
        (local.set $d3 (v128.xor
          (v128.xor (local.get $d2) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4320 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4336 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4288 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4304 (local.get $zero)) (local.get $high)))))
        (local.set $d2 (v128.xor
          (v128.xor (local.get $d1) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4256 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4272 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4224 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4240 (local.get $zero)) (local.get $high)))))
        (local.set $d1 (v128.xor
          (v128.xor (v128.xor (local.get $d0) (v128.and (i16x8.shr_u (local.get $y) (i32.const 5)) (v128.load offset=4560 (local.get $zero)))) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4192 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4208 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4160 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4176 (local.get $zero)) (local.get $high)))))
        (local.set $d0 (v128.xor
          (v128.xor (v128.and (i16x8.shl (local.get $y) (i32.const 3)) (v128.load offset=4576 (local.get $zero))) (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4128 (local.get $zero)) (local.get $oldLow))
            (i8x16.relaxed_swizzle (v128.load offset=4144 (local.get $zero)) (local.get $oldHigh))))
          (v128.xor
            (i8x16.relaxed_swizzle (v128.load offset=4096 (local.get $zero)) (local.get $low))
            (i8x16.relaxed_swizzle (v128.load offset=4112 (local.get $zero)) (local.get $high)))))
        ;; the 20 lowest bits of the digests, of which $d0 has 5
        (local.set $x (v128.or (v128.or (local.get $d0) (local.get $d1)) (v128.and (local.get $d2) (v128.load offset=4592 (local.get $zero)))))
        (if (local.tee $bits (i8x16.bitmask (i8x16.eq (local.get $x) (v128.const i32x4 0 0 0 0)))) (then
          ;; of the cuts of this step the one in the lowest region is the first
          (local.set $place (i32.add
            (i32.mul (i32.ctz (local.get $bits)) (i32.const 2112))
            (i32.sub (i32.add (local.get $strip) (i32.shr_u (local.get $i) (i32.const 4))) (i32.const 63))))
          (if (i32.lt_u (local.get $place) (local.get $first)) (then (local.set $first (local.get $place))))))
        (br_if $next (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 1024))))
      (local.set $i (local.get $new))
      (local.set $new (local.get $old))
      (local.set $old (local.get $i))
      ;; nothing comes before a cut in the first region
      (if (i32.and (i32.gt_u (local.get $strip) (i32.const 0)) (i32.le_u (local.get $first) (i32.const 2112)))
        (then (return (local.get $first))))
      (br_if $strips (i32.ne (local.tee $strip (i32.add (local.get $strip) (i32.const 64))) (i32.const 2176))))
    (local.get $first))
)
