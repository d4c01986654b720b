/* One thing done many times, each time measured.
 *
 *   loop logon CONFDIR SERVICE USER COUNT HASHER
 *       A logon: pam_start, authenticate, acct_mgmt, pam_end. And after each, the password hash
 *       alone, so that both meet the same noise: crypt(3) with USER's entry of /etc/shadow if
 *       HASHER is "crypt"; else by the process that listens there, which starts a thread for each
 *       connection as the daemon does. It hashes if it is sent an 'h' and only answers if it is
 *       sent an 'n'; the difference is the hash.
 *   loop getpwnam|getgrnam|initgroups NAME SPAN COUNT
 *       Through glibc and nsswitch.conf. With a SPAN above 0, NAME is followed by a number below
 *       it, of five digits, another one each time.
 *   loop absent NAME 0 COUNT
 *       getpwnam of a name that is nobody's.
 *
 * The password is the first line of standard input. Prints nanoseconds, one line for each time;
 * for a logon the whole, acct_mgmt alone and the hash alone. Anything but success ends it.
 */
#define _GNU_SOURCE
#include <crypt.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char password[256];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "loop: %s: %s\n", what, why);
    exit(1);
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int answer(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
    (void)data;
    struct pam_response *all = calloc(count, sizeof *all);
    if (!all)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            all[i].resp = strdup(password);
    *responses = all;
    return PAM_SUCCESS;
}

static long long ask(const char *hasher, char what)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", hasher);
    long long start = now();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        die("connect", hasher);
    if (write(fd, &what, 1) != 1 || read(fd, &what, 1) != 1)
        die("hash", hasher);
    close(fd);
    return now() - start;
}

static long long hash(const char *hasher, const char *user)
{
    if (strcmp(hasher, "crypt")) {
        long long with = ask(hasher, 'h');
        return with - ask(hasher, 'n');
    }
    struct spwd *entry = getspnam(user);
    if (!entry)
        die("getspnam", user);
    long long start = now();
    const char *made = crypt(password, entry->sp_pwdp);
    long long end = now();
    if (!made || strcmp(made, entry->sp_pwdp))
        die("crypt", "another password");
    return end - start;
}

static void logons(const char *confdir, const char *service, const char *user, int count, const char *hasher)
{
    for (int i = 0; i < count; i++) {
        struct pam_conv conversation = {answer, NULL};
        pam_handle_t *handle;
        long long start = now();
        int status = pam_start_confdir(service, user, &conversation, confdir, &handle);
        if (status != PAM_SUCCESS)
            die("pam_start", service);
        status = pam_authenticate(handle, 0);
        if (status != PAM_SUCCESS)
            die("pam_authenticate", pam_strerror(handle, status));
        long long known = now();
        status = pam_acct_mgmt(handle, 0);
        if (status != PAM_SUCCESS)
            die("pam_acct_mgmt", pam_strerror(handle, status));
        long long allowed = now();
        pam_end(handle, status);
        long long end = now();
        printf("%lld %lld %lld\n", end - start, allowed - known, hash(hasher, user));
    }
}

static int groups_of(const char *name)
{
    static gid_t ids[65536];
    int count = sizeof ids / sizeof *ids;
    return getgrouplist(name, 65534, ids, &count) > 1;
}

static int look_up(const char *what, const char *name)
{
    if (!strcmp(what, "getpwnam"))
        return getpwnam(name) != NULL;
    if (!strcmp(what, "getgrnam"))
        return getgrnam(name) != NULL;
    if (!strcmp(what, "initgroups"))
        return groups_of(name);
    errno = 0;
    return getpwnam(name) == NULL && errno == 0;
}

static void look_ups(const char *what, const char *name, int span, int count)
{
    /* The first time loads the plugin. */
    for (int i = -1; i < count; i++) {
        char full[128];
        if (span)
            snprintf(full, sizeof full, "%s%05d", name, (int)((i + 1) * 7919LL % span));
        else
            snprintf(full, sizeof full, "%s", name);
        long long start = now();
        int good = look_up(what, full);
        long long end = now();
        if (!good)
            die(what, full);
        if (i >= 0)
            printf("%lld\n", end - start);
    }
}

int main(int argc, char **argv)
{
    if (fgets(password, sizeof password, stdin))
        password[strcspn(password, "\n")] = 0;
    if (argc == 7 && !strcmp(argv[1], "logon"))
        logons(argv[2], argv[3], argv[4], atoi(argv[5]), argv[6]);
    else if (argc == 5)
        look_ups(argv[1], argv[2], atoi(argv[3]), atoi(argv[4]));
    else
        die("arguments", "see the top of loop.c");
    return 0;
}
