;; Rabin fingerprints over a window of 64 bytes, as restic's chunker computes them. A cut depends on the 64 bytes before it
;; alone, so regions can be scanned side by side.
;; Memory: 0: what a byte that leaves the window still is after the step in which it leaves (256 x i64); 2048: reduction by the
;; polynomial (256 x i64); 65536: the data, with the 64 bytes before it in front. chunker.ts fills the tables.
(module
  (memory (export "memory") 4)
  ;; A step: the digest is shifted by a byte, the new byte added, what was shifted out reduced by the polynomial, and what leaves
  ;; the window taken out of the sum at the end: all of it is linear, and that look-up then waits for nothing. Written out
  ;; each time, for V8 calls what is a function.

  ;; Any number of bytes, any degree, one after the other.
  ;; $start counts from 65536. Returns how many bytes from $start on belong before the first cut, or -1.
  (func (export "scan") (param $start i32) (param $count i32) (param $shift i64) (result i32)
    (local $p i32) (local $end i32) (local $d i64)
    ;; the digest begins with the window before the region
    (local.set $p (local.get $start))
    (local.set $end (i32.add (local.get $start) (i32.const 64)))
    (loop $warm
      (local.set $d (i64.xor
          (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=65472 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (local.get $shift))) (i32.const 3)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $warm (i32.ne (local.get $p) (local.get $end))))
    (local.set $p (local.get $start))
    (local.set $end (i32.add (local.get $start) (local.get $count)))
    (loop $next
      (local.set $d (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=65536 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (local.get $shift))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=65472 (local.get $p)) (i32.const 3)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (if (i32.eqz (i32.and (i32.wrap_i64 (local.get $d)) (i32.const 0xfffff))) (then
        (return (i32.sub (local.get $p) (local.get $start)))))
      (br_if $next (i32.lt_u (local.get $p) (local.get $end))))
    (i32.const -1))

  ;; Whether there is a cut among 16384 bytes, for a polynomial of degree 53 (every one of restic's): four neighbouring regions
  ;; of 4096 bytes at once. Their digests do not depend on one another, so the processor overlaps them; that nothing of
  ;; sizes and shifts is variable leaves it registers for all four. Where the first cut is, scan tells.
  (func (export "hasCut") (param $start i32) (result i32)
    (local $p i32) (local $end i32)
    (local $d0 i64)
    (local $d1 i64)
    (local $d2 i64)
    (local $d3 i64)
    ;; each digest begins with the window before its region
    (local.set $p (local.get $start))
    (local.set $end (i32.add (local.get $start) (i32.const 64)))
    (loop $warm
      (local.set $d0 (i64.xor
          (i64.or (i64.shl (local.get $d0) (i64.const 8)) (i64.load8_u offset=65472 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d0) (i64.const 45))) (i32.const 3)))))
      (local.set $d1 (i64.xor
          (i64.or (i64.shl (local.get $d1) (i64.const 8)) (i64.load8_u offset=69568 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d1) (i64.const 45))) (i32.const 3)))))
      (local.set $d2 (i64.xor
          (i64.or (i64.shl (local.get $d2) (i64.const 8)) (i64.load8_u offset=73664 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d2) (i64.const 45))) (i32.const 3)))))
      (local.set $d3 (i64.xor
          (i64.or (i64.shl (local.get $d3) (i64.const 8)) (i64.load8_u offset=77760 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d3) (i64.const 45))) (i32.const 3)))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $warm (i32.ne (local.get $p) (local.get $end))))
    (local.set $p (local.get $start))
    (local.set $end (i32.add (local.get $start) (i32.const 4096)))
    (block $cut
      (loop $next
      (local.set $d0 (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d0) (i64.const 8)) (i64.load8_u offset=65536 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d0) (i64.const 45))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=65472 (local.get $p)) (i32.const 3)))))
      (br_if $cut (i32.eqz (i32.and (i32.wrap_i64 (local.get $d0)) (i32.const 0xfffff))))
      (local.set $d1 (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d1) (i64.const 8)) (i64.load8_u offset=69632 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d1) (i64.const 45))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=69568 (local.get $p)) (i32.const 3)))))
      (br_if $cut (i32.eqz (i32.and (i32.wrap_i64 (local.get $d1)) (i32.const 0xfffff))))
      (local.set $d2 (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d2) (i64.const 8)) (i64.load8_u offset=73728 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d2) (i64.const 45))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=73664 (local.get $p)) (i32.const 3)))))
      (br_if $cut (i32.eqz (i32.and (i32.wrap_i64 (local.get $d2)) (i32.const 0xfffff))))
      (local.set $d3 (i64.xor
        (i64.xor
          (i64.or (i64.shl (local.get $d3) (i64.const 8)) (i64.load8_u offset=77824 (local.get $p)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d3) (i64.const 45))) (i32.const 3))))
        (i64.load (i32.shl (i32.load8_u offset=77760 (local.get $p)) (i32.const 3)))))
      (br_if $cut (i32.eqz (i32.and (i32.wrap_i64 (local.get $d3)) (i32.const 0xfffff))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br_if $next (i32.ne (local.get $p) (local.get $end))))
      (return (i32.const 0)))
    (i32.const 1))
)
