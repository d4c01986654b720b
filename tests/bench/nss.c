/* Look-ups of names, each measured, straight from a plugin: what glibc does before it asks one is
 * the same for all.
 *
 *   nss first MODULE NAME
 *       In this new process: dlopen of the plugin, and its first answer. Prints nanoseconds.
 *   nss see MODULE NAME TEXT
 *       Looks NAME up until its full name is TEXT. Prints "ready", and when that was
 *       (CLOCK_MONOTONIC, nanoseconds).
 *   nss CALL MODULE NAME SPAN COUNT THREADS
 *       CALL is getpwnam, getpwuid, getgrnam, initgroups or absent, a name that nobody has. With a
 *       SPAN, NAME is followed by a number of seven digits below it, another one each time. Each
 *       of THREADS does it COUNT times. Prints, in nanoseconds: median, 99th percentile, and the
 *       processors' time for each.
 *
 * MODULE is "domlogon", "sss", "winbind" or "files". A look-up that fails ends it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef enum nss_status by_name(const char *, void *, char *, size_t, int *);
typedef enum nss_status by_id(uid_t, void *, char *, size_t, int *);
typedef enum nss_status groups_of(const char *, gid_t, long *, long *, gid_t **, long, int *);

static by_name *user_by_name, *group_by_name;
static by_id *user_by_id;
static groups_of *initgroups_of;
static const char *call, *stem;
static int span, count;
static uid_t *ids;
static int *took;
static pthread_barrier_t start;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "nss: %s: %s\n", what, why);
    _exit(1);
}

static long long clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void load(const char *module)
{
    char name[128];
    snprintf(name, sizeof name, "libnss_%s.so.2", module);
    /* nss_files is inside libc since glibc 2.34, and there is no way to it but this. */
    void *library = dlopen(strcmp(module, "files") ? name : "libc.so.6", RTLD_NOW);
    if (!library)
        die("dlopen", dlerror());
    const char *calls[] = {"getpwnam_r", "getgrnam_r", "getpwuid_r", "initgroups_dyn"};
    void *found[4];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "_nss_%s_%s", module, calls[i]);
        found[i] = dlsym(library, name);
        if (!found[i])
            die("dlsym", name);
    }
    user_by_name = (by_name *)found[0];
    group_by_name = (by_name *)found[1];
    user_by_id = (by_id *)found[2];
    initgroups_of = (groups_of *)found[3];
}

/* One look-up; -1 for nobody. */
static int look_up(const char *what, const char *name, uid_t id, char *buffer, size_t size)
{
    int error = 0;
    enum nss_status status;
    struct passwd user;
    struct group group;
    if (!strcmp(what, "getpwuid"))
        status = user_by_id(id, &user, buffer, size, &error);
    else if (!strcmp(what, "getgrnam")) {
        status = group_by_name(name, &group, buffer, size, &error);
        if (status == NSS_STATUS_SUCCESS && !group.gr_mem[0])
            die(name, "no members");
    } else if (!strcmp(what, "initgroups")) {
        long used = 1, room = 64;
        gid_t *groups = malloc(room * sizeof *groups);
        groups[0] = 100;
        status = initgroups_of(name, 100, &used, &room, &groups, -1, &error);
        free(groups);
    } else
        status = user_by_name(name, &user, buffer, size, &error);
    if (status == NSS_STATUS_SUCCESS)
        return 0;
    if (status != NSS_STATUS_NOTFOUND)
        die(name, status == NSS_STATUS_TRYAGAIN ? "try again" : "unavailable");
    return -1;
}

static void *work(void *argument)
{
    int thread = (int)(long)argument, *mine = took + (size_t)thread * count;
    size_t size = 1 << 20;
    char *buffer = malloc(size), name[128];
    unsigned long long random = 88172645463325252ULL + thread;
    int absent = !strcmp(call, "absent");
    for (int i = -16; i < count; i++) {
        /* Before the first: whatever is done only once. */
        if (i == 0)
            pthread_barrier_wait(&start);
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int number = span ? (int)(random % span) : 0;
        if (span)
            snprintf(name, sizeof name, "%s%07d", stem, number);
        else
            snprintf(name, sizeof name, "%s", stem);
        uid_t id = ids ? ids[number] : 0;
        long long begun = clock_of(CLOCK_MONOTONIC);
        int found = look_up(call, name, id, buffer, size);
        long long end = clock_of(CLOCK_MONOTONIC);
        if (found != (absent ? -1 : 0))
            die(name, absent ? "is somebody's" : "is nobody's");
        if (i >= 0)
            mine[i] = (int)(end - begun);
    }
    free(buffer);
    return NULL;
}

static int compare(const void *one, const void *other)
{
    int a = *(const int *)one, b = *(const int *)other;
    return (a > b) - (a < b);
}

static void many(int threads)
{
    static char buffer[1 << 20];
    if (!strcmp(call, "getpwuid")) {
        ids = calloc(span, sizeof *ids);
        for (int i = 0; i < span; i++) {
            char name[128];
            struct passwd user;
            int error;
            snprintf(name, sizeof name, "%s%07d", stem, i);
            if (user_by_name(name, &user, buffer, sizeof buffer, &error) != NSS_STATUS_SUCCESS)
                die(name, "is nobody's");
            ids[i] = user.pw_uid;
        }
    }
    took = calloc((size_t)threads * count, sizeof *took);
    pthread_barrier_init(&start, NULL, threads + 1);
    pthread_t all[64];
    for (long i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, work, (void *)i);
    pthread_barrier_wait(&start);
    long long begun = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    long long spent = clock_of(CLOCK_PROCESS_CPUTIME_ID) - begun;
    size_t times = (size_t)threads * count;
    qsort(took, times, sizeof *took, compare);
    printf("%d %d %lld\n", took[times / 2], took[times * 99 / 100], spent / (long long)times);
}

static void see(const char *name, const char *text)
{
    static char buffer[65536];
    struct passwd user;
    int error;
    user_by_name(name, &user, buffer, sizeof buffer, &error);
    puts("ready");
    fflush(stdout);
    for (;;) {
        enum nss_status status = user_by_name(name, &user, buffer, sizeof buffer, &error);
        if (status == NSS_STATUS_SUCCESS && !strcmp(user.pw_gecos, text))
            break;
    }
    printf("%lld\n", clock_of(CLOCK_MONOTONIC));
}

int main(int argc, char **argv)
{
    static char buffer[65536];
    long long begun = clock_of(CLOCK_MONOTONIC);
    if (argc == 4 && !strcmp(argv[1], "first")) {
        load(argv[2]);
        if (look_up("getpwnam", argv[3], 0, buffer, sizeof buffer))
            die(argv[3], "is nobody's");
        printf("%lld\n", clock_of(CLOCK_MONOTONIC) - begun);
        return 0;
    }
    if (argc == 5 && !strcmp(argv[1], "see")) {
        load(argv[2]);
        see(argv[3], argv[4]);
        return 0;
    }
    if (argc != 7)
        die("arguments", "see the top of nss.c");
    load(argv[2]);
    call = argv[1], stem = argv[3], span = atoi(argv[4]), count = atoi(argv[5]);
    many(atoi(argv[6]));
    return 0;
}
