/* domlogon-fault.so: a disk, a clock and a heap that fail on command, for the daemon alone.
 *
 * Preloaded, it stands between the daemon and libc for the files of one folder:
 *
 *   DOMLOGON_FAULT   a folder with the file "control", which the suites write to while the daemon
 *                    runs (its fields are the enum below), and the file "journal"
 *   DOMLOGON_DISK    the folder whose files have the faults
 *
 * The journal has each write, truncation and synchronization of those files, in their order: what a
 * disk would have after a power failure is made from it. A write is noted before it is made and a
 * synchronization after it: a daemon that is killed in between has told nobody.
 * See tests/src/fault.rs and tests/src/power.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum field {
    CLOCK,     /* seconds that the time of day is wrong by */
    FAIL,      /* which operations fail: a sum of the bits below */
    PASS,      /* so many of them still succeed */
    TIMES,     /* then so many fail; negative: all */
    ERROR,     /* with this errno */
    SLOW,      /* which operations are slow */
    DELAY,     /* by so many microseconds */
    RECORD,    /* whether the journal is written */
    COUNTED,   /* operations so far of those that FAIL or SLOW names */
    FAILED,    /* and how many of them failed */
    FIELDS,
};

enum operation { READ = 1, WRITE = 2, SYNC = 4, TRUNCATE = 8, OPEN = 16, MEMORY = 32 };

/* A synchronization that failed has lost what it was to keep: the kernel takes it for written. */
enum kind { WRITTEN = 1, TRUNCATED = 2, SYNCED = 3, LOST = 4 };

struct record {
    uint32_t kind, length;
    uint64_t inode;
    int64_t offset; /* of a write; a truncated file's length */
};

#define DESCRIPTORS 4096
static _Atomic(int64_t) *control;
static atomic_uchar watched[DESCRIPTORS];
static int journal = -1;
static const char *disk;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, ...)                                       \
    ({                                                        \
        static __typeof__(&name) real;                        \
        if (!real)                                            \
            real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
        real(__VA_ARGS__);                                    \
    })

static int64_t get(enum field field)
{
    return control ? atomic_load(&control[field]) : 0;
}

static int fails(enum operation operation)
{
    if (get(SLOW) & operation) {
        atomic_fetch_add(&control[COUNTED], 1);
        struct timespec time = {get(DELAY) / 1000000, get(DELAY) % 1000000 * 1000};
        nanosleep(&time, NULL);
    }
    if (!(get(FAIL) & operation))
        return 0;
    atomic_fetch_add(&control[COUNTED], 1);
    if (atomic_fetch_sub(&control[PASS], 1) > 0)
        return 0;
    int64_t times = atomic_fetch_sub(&control[TIMES], 1);
    if (times == 0) {
        atomic_store(&control[TIMES], 0);
        return 0;
    }
    if (times < 0)
        atomic_store(&control[TIMES], -1);
    atomic_fetch_add(&control[FAILED], 1);
    errno = (int)get(ERROR);
    return 1;
}

static int is_watched(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && atomic_load(&watched[fd]);
}

/* Called with `order` held. */
static void note(enum kind kind, int fd, int64_t offset, const void *data, size_t length)
{
    struct stat found;
    if (journal < 0 || !get(RECORD) || fstat(fd, &found) != 0)
        return;
    struct record record = {kind, (uint32_t)length, found.st_ino, offset};
    char *all = malloc(sizeof record + length);
    if (!all)
        abort();
    memcpy(all, &record, sizeof record);
    if (length)
        memcpy(all + sizeof record, data, length);
    if (REAL(write, journal, all, sizeof record + length) != (ssize_t)(sizeof record + length))
        abort();
    free(all);
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("DOMLOGON_FAULT");
    disk = getenv("DOMLOGON_DISK");
    if (!folder || !disk)
        return;
    char path[256];
    snprintf(path, sizeof path, "%s/journal", folder);
    journal = REAL(open, path, O_WRONLY | O_APPEND | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/control", folder);
    int fd = REAL(open, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *memory = mmap(NULL, FIELDS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REAL(close, fd);
    if (memory != MAP_FAILED)
        control = memory;
}

/* ---------------------------------------------------------------- opening and closing */

static int is_on_the_disk(const char *path)
{
    return disk && path && !strncmp(path, disk, strlen(disk)) && path[strlen(disk)] == '/';
}

static int opened(int fd, int flags)
{
    if (fd < 0 || fd >= DESCRIPTORS)
        return fd;
    atomic_store(&watched[fd], 1);
    if (flags & O_TRUNC) {
        pthread_mutex_lock(&order);
        note(TRUNCATED, fd, 0, NULL, 0);
        pthread_mutex_unlock(&order);
    }
    return fd;
}

#define MODE(flags)                            \
    va_list rest;                              \
    va_start(rest, flags);                     \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest)

int open(const char *path, int flags, ...)
{
    MODE(flags);
    if (!is_on_the_disk(path))
        return REAL(open, path, flags, mode);
    return fails(OPEN) ? -1 : opened(REAL(open, path, flags, mode), flags);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags);
    if (!is_on_the_disk(path))
        return REAL(open64, path, flags, mode);
    return fails(OPEN) ? -1 : opened(REAL(open64, path, flags, mode), flags);
}

int close(int fd)
{
    if (is_watched(fd))
        atomic_store(&watched[fd], 0);
    return REAL(close, fd);
}

/* ---------------------------------------------------------------- reading and writing */

ssize_t read(int fd, void *to, size_t length)
{
    return is_watched(fd) && fails(READ) ? -1 : REAL(read, fd, to, length);
}

ssize_t pread64(int fd, void *to, size_t length, off64_t offset)
{
    return is_watched(fd) && fails(READ) ? -1 : REAL(pread64, fd, to, length, offset);
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
    return pread64(fd, to, length, offset);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t offset)
{
    if (!is_watched(fd))
        return REAL(pwrite64, fd, from, length, offset);
    if (fails(WRITE))
        return -1;
    pthread_mutex_lock(&order);
    note(WRITTEN, fd, offset, from, length);
    ssize_t written = REAL(pwrite64, fd, from, length, offset);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t offset)
{
    return pwrite64(fd, from, length, offset);
}

ssize_t write(int fd, const void *from, size_t length)
{
    if (!is_watched(fd))
        return REAL(write, fd, from, length);
    if (fails(WRITE))
        return -1;
    pthread_mutex_lock(&order);
    note(WRITTEN, fd, lseek(fd, 0, SEEK_CUR), from, length);
    ssize_t written = REAL(write, fd, from, length);
    pthread_mutex_unlock(&order);
    return written;
}

int ftruncate64(int fd, off64_t length)
{
    if (!is_watched(fd))
        return REAL(ftruncate64, fd, length);
    if (fails(TRUNCATE))
        return -1;
    pthread_mutex_lock(&order);
    note(TRUNCATED, fd, length, NULL, 0);
    int done = REAL(ftruncate64, fd, length);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static int synchronize(int fd, int (*real)(int))
{
    if (!is_watched(fd))
        return real(fd);
    int failed = fails(SYNC), error = errno;
    pthread_mutex_lock(&order);
    int done = failed ? -1 : real(fd);
    note(done == 0 ? SYNCED : LOST, fd, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    if (failed)
        errno = error;
    return done;
}

static int real_fsync(int fd)
{
    return REAL(fsync, fd);
}

static int real_fdatasync(int fd)
{
    return REAL(fdatasync, fd);
}

int fsync(int fd)
{
    return synchronize(fd, real_fsync);
}

int fdatasync(int fd)
{
    return synchronize(fd, real_fdatasync);
}

/* ---------------------------------------------------------------- the time of day */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int done = REAL(clock_gettime, clock, time);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += get(CLOCK);
    return done;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    int done = REAL(gettimeofday, time, zone);
    if (done == 0)
        time->tv_sec += get(CLOCK);
    return done;
}

time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}

/* ---------------------------------------------------------------- memory */

/* Only large pieces fail: the place for a hash, a long message. glibc's own functions have these
 * second names; dlsym would itself ask for memory. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static int is_denied(size_t size)
{
    if (size < 1 << 20 || !fails(MEMORY))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return is_denied(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_denied(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_denied(size) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_denied(size) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **to, size_t alignment, size_t size)
{
    void *made = is_denied(size) ? NULL : __libc_memalign(alignment, size);
    if (made)
        *to = made;
    return made ? 0 : ENOMEM;
}
