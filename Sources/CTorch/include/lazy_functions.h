// For assembler files alone: functions that are looked for in the library beside the program when one is first called.
//
// libtorch needs a quarter of a second to set itself up, which most verbs never use; so the program does not name
// it to the dynamic loader. A file lists its functions with LAZY_FUNCTION, and ends with LAZY_END. Each becomes a jump
// through a slot of its own; until the library is there, a slot leads to `lazy_first_call`, which keeps the
// arguments, has all slots of the file filled (lazy.c), and goes on to the function as if nothing had happened.
#if !defined(__x86_64__)
#error "retort calls libtorch through jumps that are written for x86-64; add those of this processor here"
#endif

#define LAZY_FUNCTION(name) lazy_function name
#define LAZY_END lazy_end

    .macro lazy_function name
    .text
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .cfi_startproc
    jmp *.Lslot_\name(%rip)
.Lfirst_\name:
    pushq $(.Lslot_\name - .Lslots)
    .cfi_adjust_cfa_offset 8
    jmp .Lfirst_call
    .cfi_endproc
    .size \name, . - \name

    .section .rodata.lazy, "a", @progbits
.Lname_\name:
    .asciz "\name"

    .section .data.lazy_names, "aw", @progbits
    .quad .Lname_\name

    .section .data.lazy_slots, "aw", @progbits
.Lslot_\name:
    .quad .Lfirst_\name
    .endm

    .macro lazy_end
    .section .data.lazy_slots, "aw", @progbits
.Lslots_end:
    .text
    .type lazy_first_call, @function
    .p2align 4
lazy_first_call:
.Lfirst_call:
    .cfi_startproc
    .cfi_def_cfa_offset 16
    // What may hold arguments; a variadic function's count of vectors is in rax.
    .irp register, rax, rdi, rsi, rdx, rcx, r8, r9
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .endr
    subq $136, %rsp
    .cfi_adjust_cfa_offset 136
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    movups %xmm\number, 16 * \number(%rsp)
    .endr

    leaq .Lnames(%rip), %rdi
    leaq .Lslots(%rip), %rsi
    movl $((.Lslots_end - .Lslots) / 8), %edx
    callq retort_fill_lazy_slots

    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    movups 16 * \number(%rsp), %xmm\number
    .endr
    addq $136, %rsp
    .cfi_adjust_cfa_offset -136
    .irp register, r9, r8, rcx, rdx, rsi, rdi, rax
    popq %\register
    .cfi_adjust_cfa_offset -8
    .endr
    popq %r11
    .cfi_adjust_cfa_offset -8
    leaq .Lslots(%rip), %r10
    jmpq *(%r10, %r11)
    .cfi_endproc
    .size lazy_first_call, . - lazy_first_call
    .section .note.GNU-stack, "", @progbits
    .endm

    .hidden retort_fill_lazy_slots
    .section .data.lazy_names, "aw", @progbits
    .p2align 3
.Lnames:
    .section .data.lazy_slots, "aw", @progbits
    .p2align 3
.Lslots:
