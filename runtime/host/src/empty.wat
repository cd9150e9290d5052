;; A plugin that keeps every record and looks at none. `empty.rs` puts a number in the place of WANTS.
;;
;; Memory: answers at 0, 128 and 256, the words of `describe` at 1024, and from 65536 on what the host hands over, which is
;; forgotten after each batch.
(component
  (core module $code
    (memory (export "memory") 2)
    (data (i32.const 1024) "empty0.1.0{}")
    (global $free (mut i32) (i32.const 65536))

    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (call $take (local.get $size)))

    (func $take (param $size i32) (result i32)
      (local $start i32)
      (local $missing i32)
      (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $start) (local.get $size)))
      (local.set $missing (i32.sub (global.get $free) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.gt_s (local.get $missing) (i32.const 0))
        (then
          (if (i32.eq
                (memory.grow (i32.shr_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 16)))
                (i32.const -1))
            (then (unreachable)))))
      (local.get $start))

    (func (export "describe") (result i32)
      (i32.store (i32.const 0) (i32.const 1024))
      (i32.store (i32.const 4) (i32.const 5))
      (i32.store (i32.const 8) (i32.const 1029))
      (i32.store (i32.const 12) (i32.const 5))
      (i32.store (i32.const 16) (i32.const 1034))
      (i32.store (i32.const 20) (i32.const 2))
      (i32.store (i32.const 24) (i32.const WANTS))
      (i32.const 0))

    ;; Zeros: all is well.
    (func (export "configure") (param i32 i32) (result i32)
      (i32.const 128))

    ;; A fate for each of the value lengths, whose number lies 12 bytes into the batch, and nothing else.
    (func (export "process") (param $batch i32) (result i32)
      (local $count i32)
      (local $fates i32)
      (local.set $count (i32.load offset=12 (local.get $batch)))
      (local.set $fates (call $take (local.get $count)))
      (memory.fill (local.get $fates) (i32.const 0) (local.get $count))
      (i32.store (i32.const 256) (local.get $fates))
      (i32.store (i32.const 260) (local.get $count))
      ;; Seven more lists, each at 8 (where one of any type may lie) and with nothing in it.
      (i64.store (i32.const 264) (i64.const 8))
      (i64.store (i32.const 272) (i64.const 8))
      (i64.store (i32.const 280) (i64.const 8))
      (i64.store (i32.const 288) (i64.const 8))
      (i64.store (i32.const 296) (i64.const 8))
      (i64.store (i32.const 304) (i64.const 8))
      (i64.store (i32.const 312) (i64.const 8))
      (i32.const 256))

    (func (export "forget") (param i32)
      (global.set $free (i32.const 65536))))

  (core instance $core (instantiate $code))

  (type $metadata-type (flags "key" "headers" "timestamp" "position"))
  (export $metadata "metadata" (type $metadata-type))
  (type $description-type (record
    (field "name" string) (field "version" string) (field "settings-schema" string) (field "wants" $metadata)))
  (export $description "description" (type $description-type))
  (type $settings-error-type (record (field "field" string) (field "message" string)))
  (export $settings-error "settings-error" (type $settings-error-type))
  (type $batch-type (record
    (field "values" (list u8)) (field "value-lengths" (list s32))
    (field "keys" (list u8)) (field "key-lengths" (list s32))
    (field "headers" (list u8)) (field "header-lengths" (list s32))
    (field "timestamps" (list s64))
    (field "source" string) (field "topic" string) (field "partition" s32)
    (field "offsets" (list u64)) (field "numbers" (list u32))))
  (export $batch "batch" (type $batch-type))
  (type $answer-type (record
    (field "fates" (list u8)) (field "rows" (list s32)) (field "timestamps" (list s64)) (field "bytes" (list u8))
    (field "count-names" (list s32)) (field "counts" (list u64)) (field "logs" (list s32)) (field "words" (list u8))))
  (export $answer "answer" (type $answer-type))

  (func $describe (result $description)
    (canon lift (core func $core "describe") (memory (core memory $core "memory"))))
  (func $configure (param "settings" string) (result (result (error $settings-error)))
    (canon lift (core func $core "configure") (memory (core memory $core "memory")) (realloc (core func $core "realloc"))))
  (func $process (param "batch" $batch) (result $answer)
    (canon lift (core func $core "process") (memory (core memory $core "memory")) (realloc (core func $core "realloc"))
      (post-return (core func $core "forget"))))
  (export "describe" (func $describe))
  (export "configure" (func $configure))
  (export "process" (func $process)))
