;; A plugin by hand, in the form that toolchains make: the places in braces take what no toolchain would put there.
;; Without that it keeps every record.
(module
  (import "tamis:plugin/panic@1.0.0" "panicked" (func $panicked (param i32 i32)))
  (type $nothing (func))
  (memory (export "memory") {pages})
  (table $table {elements} funcref)
  (global $heap (mut i32) (i32.const 4096))
  (global $guilty (mut i32) (i32.const 0))

  ;; Its name, its version, the schema of its settings; then where they are. It wants nothing beside the values.
  (data (i32.const 0) "raw0.0.1{}")
  (data (i32.const 32) "\00\00\00\00\03\00\00\00" "\03\00\00\00\05\00\00\00" "\08\00\00\00\02\00\00\00" "\00\00\00\00")
  ;; A row that rejects the first record, with three bytes as the reason.
  (data (i32.const 128) "\00\00\00\00\03\00\00\00\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    ;; The values of more than two records of one byte: there is a bad one among them.
    (if (i32.and (i32.eq (local.get $align) (i32.const 1)) (i32.gt_u (local.get $size) (i32.const 2)))
      (then {realloc}))
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func (export "describe") (result i32)
    {describe}
    (i32.const 32))

  (func (export "configure") (param i32 i32) (result i32)
    {configure}
    ;; nothing but zeros: it takes them
    (i32.const 256))

  (func $is_bad (param $batch i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.load (local.get $batch)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $batch))))
    (loop $next
      (if (i32.gt_u (i32.add (local.get $at) (i32.const 3)) (local.get $end)) (then (return (i32.const 0))))
      ;; "bad", and whatever follows it
      (if (i32.eq (i32.and (i32.load (local.get $at)) (i32.const 0xFFFFFF)) (i32.const 0x646162))
        (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; An answer is at 64: eight lists. The fates are at 1024, zeros, for keep.
  (func (export "process") (param $batch i32) (result i32)
    (global.set $heap (i32.const 4096))
    (i32.store (i32.const 64) (i32.const 1024))
    (i32.store (i32.const 68) (i32.load offset=12 (local.get $batch)))
    (i64.store (i32.const 72) (i64.const 0))
    (i64.store (i32.const 80) (i64.const 0))
    (i64.store (i32.const 88) (i64.const 0))
    (if (call $is_bad (local.get $batch))
      (then
        (global.set $guilty (i32.const 1))
        {process}))
    (i32.const 64))

  (func (export "cabi_post_process") (param i32)
    (if (global.get $guilty) (then {after}))))
