/* Runs a command and lets chosen system calls of it fail: in all its threads, and only those that
 * belong to files below one folder.
 *
 *     inject ROOT LOG FAULT... -- COMMAND...
 *
 * A FAULT is NAME:FILES:FROM:TO:ACTION: calls of that name on files that match the pattern (below
 * ROOT, of two the one that is made; for threads `-`, for sockets `socket`), from the FROM-th to the TO-th of them,
 * counted over all threads. The ACTION is the number of an error, or `short`: half of the bytes
 * that were asked for. LOG gets a line for each call on files below ROOT: name, files, what else
 * tells such calls apart, and 1 if it was made to fail.
 *
 * strace(1) counts by thread, and knows no folders: each import of a module would be counted too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#ifndef __x86_64__
#error "how registers are changed is known for x86-64 only"
#endif

enum { MAX_FAULTS = 16, MAX_TASKS = 4096 };

struct fault {
    char name[32], files[PATH_MAX], action[16];
    long from, to, met;
};

struct task {
    pid_t id;
    bool begun;           /* its first stop is over */
    long error;           /* what it is to return instead */
    unsigned long at;     /* where a length was changed, and what it was */
    unsigned long length;
};

static struct fault faults[MAX_FAULTS];
static int fault_count;
static struct task tasks[MAX_TASKS];
static char root[PATH_MAX];
static FILE *record;

static void die(const char *what) {
    fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
    exit(125);
}

static struct task *task_of(pid_t id) {
    struct task *free_one = NULL;
    for (int number = 0; number < MAX_TASKS; number++) {
        if (tasks[number].id == id) return &tasks[number];
        if (!tasks[number].id && !free_one) free_one = &tasks[number];
    }
    if (!free_one) die("too many threads");
    *free_one = (struct task){.id = id};
    return free_one;
}

/* Text at an address of the task. */
static void text_at(pid_t id, unsigned long address, char *text) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", id);
    int file = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;
    for (; length < PATH_MAX - 1; length++) {
        if (pread(file, text + length, 1, (off_t)(address + length)) != 1 || !text[length]) break;
    }
    text[length] = 0;
    close(file);
}

static void link_of(char *path, const char *name) {
    ssize_t length = readlink(name, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static void file_of(pid_t id, int descriptor, char *path) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", id, descriptor);
    link_of(path, name);
}

/* The path that a call names, from the root of the file system. */
static void place_of(pid_t id, int directory, unsigned long address, char *path) {
    char text[PATH_MAX], base[PATH_MAX] = "", name[64];
    text_at(id, address, text);
    if (text[0] != '/') {
        if (directory == AT_FDCWD) {
            snprintf(name, sizeof name, "/proc/%d/cwd", id);
            link_of(base, name);
        } else {
            file_of(id, directory, base);
        }
    }
    if (!strcmp(text, ".")) text[0] = 0;
    if (!strncmp(text, "./", 2)) memmove(text, text + 2, strlen(text + 2) + 1);
    size_t length = strlen(base);
    memmove(path, base, length);
    if (length && text[0]) path[length++] = '/';
    strncpy(path + length, text, PATH_MAX - 1 - length);
    path[PATH_MAX - 1] = 0;
}

/* The part of a path below the root; NULL if it lies elsewhere. */
static const char *below(const char *path) {
    size_t length = strlen(root);
    if (strncmp(path, root, length)) return NULL;
    if (!path[length]) return ".";
    return path[length] == '/' ? path + length + 1 : NULL;
}

/* The file that the call is about: of two, the one that it makes. */
static const char *file_of_call(pid_t id, const struct call *call, const uint64_t *args, char *path) {
    switch (call->kind) {
        case FD:
            file_of(id, (int)args[0], path);
            if (!strncmp(path, "socket:", 7)) return "socket";
            break;
        case PATH: place_of(id, AT_FDCWD, args[0], path); break;
        case AT: place_of(id, (int)args[0], args[1], path); break;
        case TWO:
        case LINK: place_of(id, AT_FDCWD, args[1], path); break;
        case TWO_AT: place_of(id, (int)args[2], args[3], path); break;
        case LINK_AT: place_of(id, (int)args[1], args[2], path); break;
        case THREAD: return "-";
    }
    return below(path);
}

static const char *kind_of(const struct call *call, const uint64_t *args) {
    static char text[32];
    int flags = call->number == SYS_openat ? (int)args[2] : 0;
    if (call->number == SYS_open) flags = (int)args[1];
    if (flags & O_CREAT) return "create";
    /* How the C library opens a directory to list it. */
    if ((flags & (O_DIRECTORY | O_NONBLOCK)) == (O_DIRECTORY | O_NONBLOCK)) return "list";
    if (call->number == SYS_fcntl) {
        snprintf(text, sizeof text, "%d", (int)args[1]);
        return text;
    }
    return "";
}

static void set_register(pid_t id, size_t offset, unsigned long value) {
    if (ptrace(PTRACE_POKEUSER, id, offset, value) < 0) die("cannot change a register");
}

#define REGISTER(name) offsetof(struct user_regs_struct, name)

/* Has the kernel see half of the bytes that were asked for; false if there is no half. */
static bool shorten(struct task *task, const struct call *call, const uint64_t *args) {
    static const size_t registers[] = {[3] = REGISTER(rdx), [4] = REGISTER(r10), [5] = REGISTER(r8)};
    if (call->count == NO_COUNT) return false;
    if (call->count != VECTOR) {
        unsigned long count = args[call->count - 1];
        if (count < 2) return false;
        set_register(task->id, registers[call->count], count / 2);
        return true;
    }
    if (args[2] > 1) {
        set_register(task->id, REGISTER(rdx), 1);
        return true;
    }
    unsigned long at = args[1] + offsetof(struct iovec, iov_len);
    errno = 0;
    unsigned long length = (unsigned long)ptrace(PTRACE_PEEKDATA, task->id, at, 0);
    if (errno || length < 2) return false;
    ptrace(PTRACE_POKEDATA, task->id, at, length / 2);
    task->at = at;
    task->length = length;
    return true;
}

static bool apply(struct task *task, const struct call *call, const uint64_t *args, const char *file) {
    bool hit = false;
    for (int number = 0; number < fault_count; number++) {
        struct fault *fault = &faults[number];
        if (strcmp(fault->name, call->name) || fnmatch(fault->files, file, FNM_PATHNAME)) continue;
        fault->met++;
        if (hit || fault->met < fault->from || fault->met > fault->to) continue;
        if (!strcmp(fault->action, "short")) {
            hit = shorten(task, call, args);
        } else {
            task->error = -atol(fault->action);
            /* A file is closed even if that fails. */
            if (call->number != SYS_close) set_register(task->id, REGISTER(orig_rax), -1UL);
            hit = true;
        }
    }
    return hit;
}

static void entry(struct task *task, const struct __ptrace_syscall_info *info) {
    for (size_t number = 0; number < sizeof calls / sizeof *calls; number++) {
        const struct call *call = &calls[number];
        if (call->number != (long)info->entry.nr) continue;
        char path[2 * PATH_MAX];
        const char *file = file_of_call(task->id, call, info->entry.args, path);
        if (!file) return;
        bool hit = apply(task, call, info->entry.args, file);
        fprintf(record, "%s\t%s\t%s\t%d\n", call->name, file, kind_of(call, info->entry.args),
                hit);
        return;
    }
}

static void end_of_call(struct task *task) {
    if (task->error) set_register(task->id, REGISTER(rax), (unsigned long)task->error);
    if (task->at) ptrace(PTRACE_POKEDATA, task->id, task->at, task->length);
    task->error = 0;
    task->at = 0;
}

static void stopped_at_call(struct task *task) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->id, sizeof info, &info) < 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) entry(task, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) end_of_call(task);
}

/* Follows all threads until the first process has ended; returns how. */
static int follow(pid_t first) {
    int status, last = 0;
    for (pid_t id; (id = waitpid(-1, &status, __WALL)) > 0;) {
        struct task *task = task_of(id);
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (id == first) last = status;
            task->id = 0;
            continue;
        }
        int number = WSTOPSIG(status), pass = 0;
        if (number == (SIGTRAP | 0x80)) {
            stopped_at_call(task);
        } else if (number == SIGTRAP && status >> 16) {
            /* An event: a new thread or program. */
        } else if (number == SIGSTOP && !task->begun) {
            task->begun = true; /* how every new thread begins */
        } else {
            pass = number;
        }
        ptrace(PTRACE_SYSCALL, id, 0, pass);
    }
    return last;
}

static void read_fault(const char *text) {
    struct fault *fault = &faults[fault_count++];
    if (fault_count > MAX_FAULTS ||
        sscanf(text, "%31[^:]:%4095[^:]:%ld:%ld:%15s", fault->name, fault->files, &fault->from,
               &fault->to, fault->action) != 5) {
        fprintf(stderr, "inject: not a fault: %s\n", text);
        exit(125);
    }
}

int main(int argc, char **argv) {
    int at = 3;
    for (; at < argc && strcmp(argv[at], "--"); at++) read_fault(argv[at]);
    if (at + 1 >= argc) die("usage: inject ROOT LOG FAULT... -- COMMAND...");
    if (!realpath(argv[1], root)) die(argv[1]);
    if (!(record = fopen(argv[2], "we"))) die(argv[2]);
    setvbuf(record, NULL, _IOLBF, 0); /* who hangs is killed */
    pid_t child = fork();
    if (child < 0) die("fork");
    if (!child) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(argv[at + 1], argv + at + 1);
        die(argv[at + 1]);
    }
    int status;
    waitpid(child, &status, 0);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, options) < 0) die("cannot trace");
    task_of(child)->begun = true;
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    status = follow(child);
    fclose(record);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}
