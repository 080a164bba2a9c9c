;; Rabin fingerprints over a window of 64 bytes, as restic's chunker computes them. A cut depends on the 64 bytes before it
;; alone, so regions can be scanned side by side.
;; Memory: 0: what a byte contributes when it leaves the window (256 x i64); 2048: reduction by the polynomial (256 x i64);
;; 65536: the data. chunker.ts fills the tables.
(module
  (memory (export "memory") 4)
  ;; appends a byte to a digest and reduces it modulo the polynomial; $shift is its degree less 8
  (func $append (param $d i64) (param $shift i64) (param $byte i32) (result i64)
    (i64.xor
      (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.extend_i32_u (local.get $byte)))
      (i64.load offset=2048 (i32.wrap_i64 (i64.shl (i64.shr_u (local.get $d) (local.get $shift)) (i64.const 3))))))

  ;; One region.
  ;; Returns how many bytes from $start on belong before the first cut, or -1. $count is a multiple of 1; 64 bytes lie before $start.
  (func (export "scan1") (param $start i32) (param $count i32) (param $shift i64) (param $mask i64) (result i32)
    (local $size i32) (local $i i32)
    (local $d0 i64) (local $q0 i32) (local $hit0 i32)
    (local.set $size (i32.div_u (local.get $count) (i32.const 1)))
    (local.set $q0 (i32.add (local.get $start) (i32.mul (local.get $size) (i32.const 0)))) (local.set $hit0 (i32.const -1))
    ;; each digest begins with the window before its region
    (local.set $i (i32.const -64))
    (loop $warm
      (local.set $d0 (call $append (local.get $d0) (local.get $shift) (i32.load8_u (i32.add (local.get $q0) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $warm (i32.ne (local.get $i) (i32.const 0))))
    (loop $next
      (local.set $d0 (i64.xor (local.get $d0) (i64.load (i32.shl (i32.load8_u (i32.sub (local.get $q0) (i32.const 64))) (i32.const 3)))))
      (local.set $d0 (call $append (local.get $d0) (local.get $shift) (i32.load8_u (local.get $q0))))
      (if (i64.eqz (i64.and (local.get $d0) (local.get $mask))) (then
        (return (i32.add (local.get $i) (i32.const 1)))))
      (local.set $q0 (i32.add (local.get $q0) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    
    (i32.const -1))

  ;; 4 neighbouring regions at once: their digests do not depend on one another, so the processor overlaps them.
  ;; Returns how many bytes from $start on belong before the first cut, or -1. $count is a multiple of 4; 64 bytes lie before $start.
  (func (export "scan4") (param $start i32) (param $count i32) (param $shift i64) (param $mask i64) (result i32)
    (local $size i32) (local $i i32)
    (local $d0 i64) (local $q0 i32) (local $hit0 i32)
    (local $d1 i64) (local $q1 i32) (local $hit1 i32)
    (local $d2 i64) (local $q2 i32) (local $hit2 i32)
    (local $d3 i64) (local $q3 i32) (local $hit3 i32)
    (local.set $size (i32.div_u (local.get $count) (i32.const 4)))
    (local.set $q0 (i32.add (local.get $start) (i32.mul (local.get $size) (i32.const 0)))) (local.set $hit0 (i32.const -1))
    (local.set $q1 (i32.add (local.get $start) (i32.mul (local.get $size) (i32.const 1)))) (local.set $hit1 (i32.const -1))
    (local.set $q2 (i32.add (local.get $start) (i32.mul (local.get $size) (i32.const 2)))) (local.set $hit2 (i32.const -1))
    (local.set $q3 (i32.add (local.get $start) (i32.mul (local.get $size) (i32.const 3)))) (local.set $hit3 (i32.const -1))
    ;; each digest begins with the window before its region
    (local.set $i (i32.const -64))
    (loop $warm
      (local.set $d0 (call $append (local.get $d0) (local.get $shift) (i32.load8_u (i32.add (local.get $q0) (local.get $i)))))
      (local.set $d1 (call $append (local.get $d1) (local.get $shift) (i32.load8_u (i32.add (local.get $q1) (local.get $i)))))
      (local.set $d2 (call $append (local.get $d2) (local.get $shift) (i32.load8_u (i32.add (local.get $q2) (local.get $i)))))
      (local.set $d3 (call $append (local.get $d3) (local.get $shift) (i32.load8_u (i32.add (local.get $q3) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $warm (i32.ne (local.get $i) (i32.const 0))))
    (loop $next
      (local.set $d0 (i64.xor (local.get $d0) (i64.load (i32.shl (i32.load8_u (i32.sub (local.get $q0) (i32.const 64))) (i32.const 3)))))
      (local.set $d0 (call $append (local.get $d0) (local.get $shift) (i32.load8_u (local.get $q0))))
      (if (i64.eqz (i64.and (local.get $d0) (local.get $mask))) (then
        (return (i32.add (local.get $i) (i32.const 1)))))
      (local.set $q0 (i32.add (local.get $q0) (i32.const 1)))
      (local.set $d1 (i64.xor (local.get $d1) (i64.load (i32.shl (i32.load8_u (i32.sub (local.get $q1) (i32.const 64))) (i32.const 3)))))
      (local.set $d1 (call $append (local.get $d1) (local.get $shift) (i32.load8_u (local.get $q1))))
      (if (i64.eqz (i64.and (local.get $d1) (local.get $mask))) (then
        (if (i32.eq (local.get $hit1) (i32.const -1)) (then (local.set $hit1 (local.get $i))))))
      (local.set $q1 (i32.add (local.get $q1) (i32.const 1)))
      (local.set $d2 (i64.xor (local.get $d2) (i64.load (i32.shl (i32.load8_u (i32.sub (local.get $q2) (i32.const 64))) (i32.const 3)))))
      (local.set $d2 (call $append (local.get $d2) (local.get $shift) (i32.load8_u (local.get $q2))))
      (if (i64.eqz (i64.and (local.get $d2) (local.get $mask))) (then
        (if (i32.eq (local.get $hit2) (i32.const -1)) (then (local.set $hit2 (local.get $i))))))
      (local.set $q2 (i32.add (local.get $q2) (i32.const 1)))
      (local.set $d3 (i64.xor (local.get $d3) (i64.load (i32.shl (i32.load8_u (i32.sub (local.get $q3) (i32.const 64))) (i32.const 3)))))
      (local.set $d3 (call $append (local.get $d3) (local.get $shift) (i32.load8_u (local.get $q3))))
      (if (i64.eqz (i64.and (local.get $d3) (local.get $mask))) (then
        (if (i32.eq (local.get $hit3) (i32.const -1)) (then (local.set $hit3 (local.get $i))))))
      (local.set $q3 (i32.add (local.get $q3) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    (if (i32.ne (local.get $hit1) (i32.const -1)) (then (return (i32.add (i32.add (i32.mul (local.get $size) (i32.const 1)) (local.get $hit1)) (i32.const 1)))))
    (if (i32.ne (local.get $hit2) (i32.const -1)) (then (return (i32.add (i32.add (i32.mul (local.get $size) (i32.const 2)) (local.get $hit2)) (i32.const 1)))))
    (if (i32.ne (local.get $hit3) (i32.const -1)) (then (return (i32.add (i32.add (i32.mul (local.get $size) (i32.const 3)) (local.get $hit3)) (i32.const 1)))))
    (i32.const -1))
)
