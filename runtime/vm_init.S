/* SPDX-License-Identifier: MIT */
/* The guest's init as bytes in this program: always of the same version. */
	.section .rodata
	.global vm_init, vm_init_end
	.balign 16
vm_init:
	.incbin "build/release/bulkhead-init"
vm_init_end:
	.section .note.GNU-stack, "", @progbits
