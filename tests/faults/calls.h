/* Which system calls are met, and which of their arguments name a file. */

enum kind {
    FD,      /* the first argument is a descriptor */
    PATH,    /* the first argument is a path */
    AT,      /* a directory, then a path */
    TWO,     /* two paths */
    TWO_AT,  /* two directories, each with a path */
    LINK,    /* a text, then a path */
    LINK_AT, /* a text, then a directory and a path */
    THREAD,  /* none: a thread is made */
};

/* The argument that says how many bytes, or that they are a vector. */
enum { NO_COUNT = 0, THIRD = 3, FOURTH = 4, FIFTH = 5, VECTOR = 100 };

struct call {
    long number;
    const char *name;
    enum kind kind;
    int count;
};

#define CALL(name, kind, count) {SYS_##name, #name, kind, count}

static const struct call calls[] = {
    CALL(read, FD, THIRD),
    CALL(pread64, FD, THIRD),
    CALL(readv, FD, VECTOR),
    CALL(preadv, FD, VECTOR),
    CALL(preadv2, FD, VECTOR),
    CALL(write, FD, THIRD),
    CALL(pwrite64, FD, THIRD),
    CALL(writev, FD, VECTOR),
    CALL(pwritev, FD, VECTOR),
    CALL(pwritev2, FD, VECTOR),
    CALL(sendto, FD, THIRD),
    CALL(recvfrom, FD, THIRD),
    CALL(sendmsg, FD, NO_COUNT),
    CALL(recvmsg, FD, NO_COUNT),
    CALL(connect, FD, NO_COUNT),
    CALL(sendfile, FD, FOURTH),
    CALL(copy_file_range, FD, FIFTH),
    CALL(splice, FD, FIFTH),
    CALL(fsync, FD, NO_COUNT),
    CALL(fdatasync, FD, NO_COUNT),
    CALL(sync_file_range, FD, NO_COUNT),
    CALL(fadvise64, FD, NO_COUNT),
    CALL(ftruncate, FD, NO_COUNT),
    CALL(fallocate, FD, NO_COUNT),
    CALL(lseek, FD, NO_COUNT),
    CALL(fstat, FD, NO_COUNT),
    CALL(fstatfs, FD, NO_COUNT),
    CALL(fchmod, FD, NO_COUNT),
    CALL(fchown, FD, NO_COUNT),
    CALL(fchdir, FD, NO_COUNT),
    CALL(flock, FD, NO_COUNT),
    CALL(fcntl, FD, NO_COUNT),
    CALL(getdents64, FD, NO_COUNT),
    CALL(flistxattr, FD, NO_COUNT),
    CALL(fgetxattr, FD, NO_COUNT),
    CALL(fsetxattr, FD, NO_COUNT),
    CALL(fremovexattr, FD, NO_COUNT),
    CALL(close, FD, NO_COUNT),
    CALL(openat, AT, NO_COUNT),
    CALL(openat2, AT, NO_COUNT),
    CALL(newfstatat, AT, NO_COUNT),
    CALL(statx, AT, NO_COUNT),
    CALL(mkdirat, AT, NO_COUNT),
    CALL(mknodat, AT, NO_COUNT),
    CALL(unlinkat, AT, NO_COUNT),
    CALL(readlinkat, AT, NO_COUNT),
    CALL(fchmodat, AT, NO_COUNT),
    CALL(fchownat, AT, NO_COUNT),
    CALL(faccessat, AT, NO_COUNT),
    CALL(utimensat, AT, NO_COUNT),
    CALL(renameat, TWO_AT, NO_COUNT),
    CALL(renameat2, TWO_AT, NO_COUNT),
    CALL(linkat, TWO_AT, NO_COUNT),
    CALL(symlinkat, LINK_AT, NO_COUNT),
    CALL(statfs, PATH, NO_COUNT),
    CALL(truncate, PATH, NO_COUNT),
    CALL(chdir, PATH, NO_COUNT),
    CALL(listxattr, PATH, NO_COUNT),
    CALL(llistxattr, PATH, NO_COUNT),
    CALL(getxattr, PATH, NO_COUNT),
    CALL(lgetxattr, PATH, NO_COUNT),
    CALL(setxattr, PATH, NO_COUNT),
    CALL(lsetxattr, PATH, NO_COUNT),
    CALL(clone, THREAD, NO_COUNT),
    CALL(clone3, THREAD, NO_COUNT),
    CALL(open, PATH, NO_COUNT),
    CALL(creat, PATH, NO_COUNT),
    CALL(stat, PATH, NO_COUNT),
    CALL(lstat, PATH, NO_COUNT),
    CALL(access, PATH, NO_COUNT),
    CALL(mkdir, PATH, NO_COUNT),
    CALL(rmdir, PATH, NO_COUNT),
    CALL(unlink, PATH, NO_COUNT),
    CALL(readlink, PATH, NO_COUNT),
    CALL(chmod, PATH, NO_COUNT),
    CALL(chown, PATH, NO_COUNT),
    CALL(lchown, PATH, NO_COUNT),
    CALL(mknod, PATH, NO_COUNT),
    CALL(rename, TWO, NO_COUNT),
    CALL(link, TWO, NO_COUNT),
    CALL(symlink, LINK, NO_COUNT),
};
