/* domlogon-nssprobe USER GROUP UNKNOWN: call glibc's lookups the hard way.
 *
 *   1. buffers of every size from 0: ERANGE until it fits, then the same entry, never a write
 *      beyond the end
 *   2. an unknown name is "not found" (0 and a NULL result), not an error
 *   3. eight threads look names up all the time while the process forks: each child looks a name
 *      up too and must end within ten seconds
 * Prints what is wrong; exit status 0 only when nothing is. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *user, *group, *unknown;
static int wrong;
static atomic_int stop, mistakes;

static void blame(const char *what, long number)
{
    printf("%s (%ld)\n", what, number);
    wrong++;
}

enum { BUFFER = 1 << 20, GUARD = 64 };
static char buffer[BUFFER + GUARD];

static int guarded(size_t size)
{
    for (size_t i = size; i < size + GUARD; i++)
        if (buffer[i] != 0x5a)
            return 0;
    return 1;
}

static void small_buffers(void)
{
    struct passwd entry, *found;
    size_t size;
    for (size = 0; size < 4096; size++) {
        memset(buffer, 0x5a, size + GUARD);
        int code = getpwnam_r(user, &entry, buffer, size, &found);
        if (!guarded(size))
            blame("getpwnam_r wrote beyond its buffer", (long)size);
        if (code == 0 && found)
            break;
        if (code != ERANGE || found) {
            blame("getpwnam_r with a small buffer: not ERANGE", code);
            return;
        }
    }
    if (size == 4096)
        blame("getpwnam_r never found its entry", 0);
    else if (strcmp(found->pw_name, user) || strcmp(found->pw_passwd, "*") || !found->pw_dir || !found->pw_shell)
        blame("getpwnam_r: a wrong entry", 0);

    struct group line, *held;
    for (size = 0; size < BUFFER; size = size < 4096 ? size + 1 : size * 2) {
        memset(buffer, 0x5a, size + GUARD);
        int code = getgrnam_r(group, &line, buffer, size, &held);
        if (!guarded(size))
            blame("getgrnam_r wrote beyond its buffer", (long)size);
        if (code == 0 && held)
            break;
        if (code != ERANGE || held) {
            blame("getgrnam_r with a small buffer: not ERANGE", code);
            return;
        }
    }
    if (size >= BUFFER)
        blame("getgrnam_r never found its entry", 0);
    else
        for (char **member = held->gr_mem; *member; member++)
            if (!**member)
                blame("getgrnam_r: an empty member", 0);
}

static void not_found(void)
{
    struct passwd entry, *found;
    int code = getpwnam_r(unknown, &entry, buffer, BUFFER, &found);
    if (code || found)
        blame("getpwnam_r of an unknown name", code);
    errno = 0;
    if (getpwuid(1999999999) || errno)
        blame("getpwuid of an unknown id", errno);
    struct group line, *held;
    code = getgrnam_r(unknown, &line, buffer, BUFFER, &held);
    if (code || held)
        blame("getgrnam_r of an unknown name", code);
}

static int looks_up(void)
{
    char mine[8192];
    struct passwd entry, *found;
    int code = getpwnam_r(user, &entry, mine, sizeof mine, &found);
    if (code || !found || strcmp(found->pw_name, user))
        return 0;
    gid_t groups[256];
    int count = 256;
    return getgrouplist(user, found->pw_gid, groups, &count) > 0;
}

static void *busy(void *nothing)
{
    while (!atomic_load(&stop))
        if (!looks_up())
            atomic_fetch_add(&mistakes, 1);
    return nothing;
}

static void threads_and_forks(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, busy, NULL);
    for (int turn = 0; turn < 30; turn++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            _exit(looks_up() ? 0 : 1);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child)
            blame("fork", errno);
        else if (status)
            blame(WIFSIGNALED(status) ? "a forked child hung or crashed, signal" : "a forked child found nothing",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    if (atomic_load(&mistakes))
        blame("lookups that failed in threads", atomic_load(&mistakes));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: domlogon-nssprobe USER GROUP UNKNOWN\n");
        return 2;
    }
    user = argv[1], group = argv[2], unknown = argv[3];
    small_buffers();
    not_found();
    threads_and_forks();
    return wrong ? 1 : 0;
}
