/* SPDX-License-Identifier: MIT */
/* The program's first instructions: a protected image before libc starts. */
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/*
 * A command that enters a container goes on from an image that nobody can
 * write (runtime/self.h). main() could do that, but then libc would have
 * started for nothing: on virtual machines its dozens of CPUID instructions,
 * each a trap, cost more than all of the container's mounts. So the link
 * editor's entry point is entry() below; it does the one cheap thing, four
 * system calls, and in the new image, or when it could not, goes on to _start.
 * main() asks again (self_protect()) and has the slower ways.
 *
 * Before libc there are no relocations, no TLS, no stack protector: nothing
 * here may use a pointer in static data or call any function.
 */

#define ST_RDONLY_FLAG 1 /* statfs(2): f_flags */

struct kernel_statfs {
	long type, bsize;
	unsigned long blocks[3], files[2];
	int fsid[2];
	long namelen, frsize, flags, spare[4];
};

#define inline_always static inline __attribute__((always_inline))

inline_always long call(long n, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}

/* Four bytes a compare: no string in static data. */
inline_always int is_entering(const char *word)
{
	if (word[0] == 'r')
		return word[1] == 'u' && word[2] == 'n' && !word[3];
	if (word[0] == 'e')
		return word[1] == 'x' && word[2] == 'e' && word[3] == 'c' &&
		       !word[4];
	return word[0] == 'c' && word[1] == 'r' && word[2] == 'e' &&
	       word[3] == 'a' && word[4] == 't' && word[5] == 'e' && !word[6];
}

/* stack: argc, argv…, NULL, envp… as the kernel has laid them out. */
static __attribute__((used, no_stack_protector)) void
entry_protect(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + stack[0] + 1;
	char self[] = {'/', 'p', 'r', 'o', 'c', '/', 's', 'e',
		       'l', 'f', '/', 'e', 'x', 'e', 0};
	char empty[] = {0};
	struct mount_attr ro;
	struct kernel_statfs fs;
	int enters = 0;

	/* One word too many costs a little time, none is missed. */
	for (long i = 1; i < stack[0]; i++)
		enters |= is_entering(argv[i]);
	if (!enters || call(SYS_statfs, (long)self, (long)&fs, 0, 0, 0) < 0 ||
	    (fs.flags & ST_RDONLY_FLAG))
		return;

	long fd = call(SYS_open_tree, AT_FDCWD, (long)self,
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);

	if (fd < 0)
		return;
	ro.attr_set = MOUNT_ATTR_RDONLY;
	ro.attr_clr = ro.propagation = ro.userns_fd = 0;
	if (call(SYS_mount_setattr, fd, (long)empty, AT_EMPTY_PATH, (long)&ro,
		 sizeof(ro)) == 0)
		call(SYS_execveat, fd, (long)empty, (long)argv, (long)envp,
		     AT_EMPTY_PATH);
	call(SYS_close, fd, 0, 0, 0, 0);
}

/* Keeps the stack and rdx for _start, which the kernel meant to call. */
__asm__(".text\n"
	".globl entry\n"
	".hidden entry\n"
	".type entry, @function\n"
	"entry:\n"
	"	endbr64\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rbx\n"
	"	mov %rdx, %r12\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call entry_protect\n"
	"	mov %rbx, %rsp\n"
	"	mov %r12, %rdx\n"
	"	jmp _start\n"
	".size entry, . - entry\n");
