/* System calls that fail when they are told to: for LD_PRELOAD, driven by tests/faults/driver.py.
 *
 * Counted are calls on files inside one folder. `fault_arm` says which call fails (by name), at which count, and how: with
 * an errno, by doing half of the work (a short read or write, SHORT), or by killing the process (KILL). Or the call goes
 * on, after somebody else has changed the file that it reads: TRUNCATE, GROW, REPLACE (by FILE.other). */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SHORT = -1, KILL = -2, TRUNCATE = -3, GROW = -4, REPLACE = -5 };
#define NAMES(X) \
    X(open) X(read) X(pread) X(preadv) X(write) X(pwrite) X(ftruncate) X(fsync) X(fchmod) X(rename) X(unlink) X(flock) \
    X(mmap) X(dup) X(close) X(fstat) X(stat) X(mkdir) X(rmdir) X(opendir) X(chmod)
enum call {
#define X(name) call_##name,
    NAMES(X)
#undef X
    calls
};
static const char *const names[] = {
#define X(name) #name,
    NAMES(X)
#undef X
};

static char folder[PATH_MAX];
static long counts[calls];
static long fail_call = -1, fail_at, fail_how, failed;

void fault_arm(const char *where, const char *call, long at, long how) {
    strncpy(folder, where, sizeof folder - 1);
    memset(counts, 0, sizeof counts);
    fail_call = -1, failed = 0;
    for (long i = 0; i < calls; ++i)
        if (strcmp(names[i], call) == 0) fail_call = i;
    fail_at = at, fail_how = how;
}

long fault_count(const char *call) {
    for (long i = 0; i < calls; ++i)
        if (strcmp(names[i], call) == 0) return counts[i];
    return -1;
}

long fault_happened(void) { return failed; }

/* Where memory is limited, a stack that cannot grow is a SIGSEGV that nobody can do anything about. */
void fault_grow_stack(void) {
    volatile char room[4 << 20];
    for (size_t i = 0; i < sizeof room; i += 4096) room[i] = 0;
}

static int inside(const char *path) {
    const size_t size = strlen(folder);
    return size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/';
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return 1;
}

static int fd_inside(int fd) {
    char path[PATH_MAX];
    if (folder[0] == 0 || fd < 0 || !path_of(fd, path)) return 0;
    return inside(path) || strcmp(path, folder) == 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What somebody else does to a file that is open here. */
static void change(int fd) {
    char path[PATH_MAX], other[PATH_MAX + 8];
    struct stat status;
    if (!path_of(fd, path)) return;
    if (fail_how == TRUNCATE && stat(path, &status) == 0 && truncate(path, status.st_size / 2) != 0) failed = 0;
    if (fail_how == GROW) {
        const int end = REAL(open)(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (end < 0 || REAL(write)(end, "x 1 2\n", 6) != 6) failed = 0;
        REAL(close)(end);
    }
    snprintf(other, sizeof other, "%s.other", path);
    if (fail_how == REPLACE && REAL(rename)(other, path) != 0) failed = 0;
}

/* Whether this call, on a descriptor or (-1) a path, is the one that fails; sets errno. */
static int fails(enum call call, int fd) {
    const long count = __atomic_add_fetch(&counts[call], 1, __ATOMIC_SEQ_CST);
    if (call != fail_call || count != fail_at) return 0;
    failed = 1;
    if (fail_how == KILL) raise(SIGKILL);
    if (fail_how < SHORT) return change(fd), 0;
    if (fail_how != SHORT) errno = (int)fail_how;
    return 1;
}

#define HALF(count) ((count) > 1 ? (count) / 2 : (count))
#define TRANSFER(call, name, signature, arguments, half)                  \
    ssize_t name signature {                                             \
        if (fd_inside(fd) && fails(call_##call, fd)) {                    \
            if (fail_how != SHORT) return -1;                             \
            return REAL(name) half;                                      \
        }                                                                \
        return REAL(name) arguments;                                     \
    }

TRANSFER(read, read, (int fd, void *data, size_t size), (fd, data, size), (fd, data, HALF(size)))
TRANSFER(write, write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, HALF(size)))
TRANSFER(pread, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), (fd, data, HALF(size), at))
TRANSFER(pread, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at), (fd, data, HALF(size), at))
TRANSFER(pwrite, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), (fd, data, HALF(size), at))
TRANSFER(pwrite, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), (fd, data, HALF(size), at))

/* The first half of the first vector. */
static struct iovec half_of(const struct iovec *parts) {
    const struct iovec half = {parts[0].iov_base, HALF(parts[0].iov_len)};
    return half;
}

ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t at) {
    if (fd_inside(fd) && fails(call_preadv, fd)) {
        if (fail_how != SHORT) return -1;
        const struct iovec half = half_of(parts);
        return REAL(preadv64)(fd, &half, 1, at);
    }
    return REAL(preadv64)(fd, parts, count, at);
}

#define SIMPLE(call, name, signature, arguments, condition)      \
    int name signature {                                        \
        if ((condition) && fails(call_##call, -1)) return -1;   \
        return REAL(name) arguments;                            \
    }

SIMPLE(ftruncate, ftruncate, (int fd, off_t size), (fd, size), fd_inside(fd))
SIMPLE(ftruncate, ftruncate64, (int fd, off64_t size), (fd, size), fd_inside(fd))
SIMPLE(fsync, fsync, (int fd), (fd), fd_inside(fd))
SIMPLE(fchmod, fchmod, (int fd, mode_t mode), (fd, mode), fd_inside(fd))
SIMPLE(flock, flock, (int fd, int operation), (fd, operation), fd_inside(fd))
SIMPLE(fstat, fstat, (int fd, struct stat *status), (fd, status), fd_inside(fd))
SIMPLE(fstat, fstat64, (int fd, struct stat64 *status), (fd, status), fd_inside(fd))
SIMPLE(stat, stat, (const char *path, struct stat *status), (path, status), inside(path))
SIMPLE(stat, stat64, (const char *path, struct stat64 *status), (path, status), inside(path))
SIMPLE(stat, lstat, (const char *path, struct stat *status), (path, status), inside(path))
SIMPLE(stat, lstat64, (const char *path, struct stat64 *status), (path, status), inside(path))
SIMPLE(chmod, chmod, (const char *path, mode_t mode), (path, mode), inside(path))
SIMPLE(mkdir, mkdir, (const char *path, mode_t mode), (path, mode), inside(path))
SIMPLE(rmdir, rmdir, (const char *path), (path), inside(path))
SIMPLE(unlink, unlink, (const char *path), (path), inside(path))
SIMPLE(unlink, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), fd_inside(fd))
SIMPLE(rename, rename, (const char *from, const char *to), (from, to), inside(from))
SIMPLE(rename, renameat2, (int fd, const char *from, int to_fd, const char *to, unsigned flags), (fd, from, to_fd, to, flags), inside(from))

/* The descriptor is closed even where that is an error, as Linux does. */
int close(int fd) {
    const int counted = fd_inside(fd), result = REAL(close)(fd);
    return counted && fails(call_close, -1) ? -1 : result;
}

DIR *opendir(const char *path) {
    if ((inside(path) || strcmp(path, folder) == 0) && fails(call_opendir, -1)) return NULL;
    return REAL(opendir)(path);
}
DIR *fdopendir(int fd) {
    if (fd_inside(fd) && fails(call_opendir, -1)) return NULL;
    return REAL(fdopendir)(fd);
}

/* os.dup */
static int control(int (*real)(int, int, ...), int fd, int command, void *argument) {
    if (command == F_DUPFD_CLOEXEC && fd_inside(fd) && fails(call_dup, -1)) return -1;
    return real(fd, command, argument);
}
#define FCNTL(name)                                           \
    int name(int fd, int command, ...) {                      \
        va_list rest;                                         \
        va_start(rest, command);                              \
        void *argument = va_arg(rest, void *);                \
        va_end(rest);                                         \
        return control(REAL(name), fd, command, argument);    \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

static void *(*real_mmap)(void *, size_t, int, int, int, off64_t);
static void *map(void *at, size_t size, int protection, int flags, int fd, off64_t offset) {
    if (fd >= 0 && fd_inside(fd) && fails(call_mmap, fd)) return (void *)-1;
    if (!real_mmap) real_mmap = (__typeof__(real_mmap))dlsym(RTLD_NEXT, "mmap64");
    return real_mmap(at, size, protection, flags, fd, offset);
}
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return map(at, size, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) {
    return map(at, size, protection, flags, fd, offset);
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        va_list rest;                                                                  \
        va_start(rest, flags);                                                         \
        const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                                  \
        if (inside(path) && fails(call_open, -1)) return -1;                               \
        return REAL(name)(path, flags, mode);                                          \
    }
OPEN(open)
OPEN(open64)
