# The instructions of native.py, in the syntax of the GNU assembler:
#     as stubs.s -o stubs.o && objcopy -O binary -j .text stubs.o stubs.bin
#
# The first instruction takes the address of the stub's record, which is filled in where the stub is made:
#     0 shared   8 address in libc   16 count   24 seen   32 form
# What all stubs share:
#     0 main thread   8 watching   16 call is pending   24 Py_AddPendingCall   32 its argument
#     40 notes so far   48 a mask for their places in the ring   56 the ring
# All registers but r10 and r11, which belong to nobody at a call, are as they were when libc begins.
.intel_syntax noprefix
notice:
    movabs r11, 0x1122334455667788
    push rax
    mov r10, [r11]
    mov rax, fs:[0]             # this thread
    cmp rax, [r10]
    jne 9f
    cmp qword ptr [r10 + 8], 0
    je 9f
    mov eax, 1
    test byte ptr [r11 + 32], 2
    je 1f
    cmp rdi, 318                # getrandom
    jne 9f
1:  test byte ptr [r11 + 32], 1
    je 2f
    cmp edi, 11
    ja 9f
    push rcx
    mov ecx, 0x921              # CLOCK_REALTIME, its coarse and alarm forms, CLOCK_TAI
    bt ecx, edi
    pop rcx
    jnc 9f
2:  mov [r11 + 24], rax
    inc qword ptr [r11 + 16]
    cmp qword ptr [r10 + 16], 0
    jne 9f
    mov qword ptr [r10 + 16], 1
    push rdi
    push rsi
    push rdx
    push rcx
    push r8
    push r9
    push r10
    push r11
    mov rdi, [r10 + 32]
    xor esi, esi
    call [r10 + 24]
    pop r11
    pop r10
    pop r9
    pop r8
    pop rcx
    pop rdx
    pop rsi
    pop rdi
9:  pop rax
    jmp [r11 + 8]
.balign 16
path:
    movabs r11, 0x1122334455667788
    push rax
    mov r10, [r11]
    cmp qword ptr [r10 + 8], 0
    je 9f
    mov rax, rdi
    test byte ptr [r11 + 32], 1
    je 1f
    mov rax, rsi
1:  test rax, rax
    je 9f
    push rcx
    push rdx
    push rbx
    mov ecx, 1
    lock xadd [r10 + 40], rcx
    and rcx, [r10 + 48]
    shl rcx, 10
    add rcx, [r10 + 56]
    mov rbx, [r11 + 32]
    mov [rcx], rbx
    mov [rcx + 16], rdi
    test bl, 2
    jne 2f
    mov rdx, rsi
2:  test bl, 4
    je 3f
    movzx edx, word ptr [rsi]
3:  mov [rcx + 8], rdx
    xor edx, edx
4:  mov bl, [rax + rdx]
    mov [rcx + rdx + 24], bl
    test bl, bl
    je 8f
    inc edx
    cmp edx, 998
    jb 4b
    mov byte ptr [rcx + rdx + 24], 0
8:  pop rbx
    pop rdx
    pop rcx
9:  pop rax
    jmp [r11 + 8]
.balign 16
