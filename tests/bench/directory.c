/* What the clients of a directory do, done many times, each time measured.
 *
 *   directory logon FOLDER SERVICE STEM SPAN COUNT PROCESSES
 *       A logon: pam_start_confdir, authenticate, acct_mgmt, pam_end; COUNT times in each of
 *       PROCESSES at once. The names are STEM and a number of four digits below SPAN, in turn.
 *   directory account FOLDER SERVICE STEM SPAN COUNT PROCESSES
 *       The same without authenticate: as after an ssh key.
 *   directory exchange REALM - STEM SPAN COUNT PROCESSES
 *       The controller's own part of a logon: one AS exchange of libkrb5, as $KRB5_CONFIG says.
 *   directory getpwnam|getpwuid|getgrnam|initgroups - - NAME SPAN COUNT PROCESSES
 *       Through glibc and nsswitch.conf; with a SPAN of 0 NAME is all of the name.
 *
 * The password is the first line of standard input. Prints nanoseconds: a line for each time, and
 * on the last line "all" and how long the whole took. A failure ends it.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <krb5.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char password[256];
static const char *operation, *folder, *service, *stem;
static int span;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "directory: %s: %s\n", what, why);
    _exit(1);
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

static void logon(const char *user)
{
    struct pam_conv conversation = {answer, NULL};
    pam_handle_t *handle;
    int status = pam_start_confdir(service, user, &conversation, folder, &handle);
    if (status != PAM_SUCCESS)
        die("pam_start", service);
    if (!strcmp(operation, "logon"))
        status = pam_authenticate(handle, 0);
    if (status != PAM_SUCCESS)
        die(user, pam_strerror(handle, status));
    status = pam_acct_mgmt(handle, 0);
    if (status != PAM_SUCCESS)
        die(user, pam_strerror(handle, status));
    pam_end(handle, status);
}

static void exchange(const char *user)
{
    krb5_context context;
    krb5_principal principal;
    krb5_creds credentials;
    char full[256];
    memset(&credentials, 0, sizeof credentials);
    snprintf(full, sizeof full, "%s@%s", user, folder);
    if (krb5_init_context(&context) || krb5_parse_name(context, full, &principal))
        die("krb5", full);
    krb5_error_code status = krb5_get_init_creds_password(context, &credentials, principal, password, NULL, NULL, 0, NULL, NULL);
    if (status)
        die(full, krb5_get_error_message(context, status));
    krb5_free_cred_contents(context, &credentials);
    krb5_free_principal(context, principal);
    krb5_free_context(context);
}

static uid_t *ids;

static void look_up(const char *name, int number)
{
    static gid_t groups[65536];
    int count = sizeof groups / sizeof *groups, good;
    if (!strcmp(operation, "getpwnam"))
        good = getpwnam(name) != NULL;
    else if (!strcmp(operation, "getpwuid"))
        good = getpwuid(ids[number]) != NULL;
    else if (!strcmp(operation, "getgrnam")) {
        struct group *group = getgrnam(name);
        good = group && group->gr_mem[0];
    } else
        good = getgrouplist(name, 65534, groups, &count) > 1;
    if (!good)
        die(operation, name);
}

static void learn_ids(void)
{
    ids = calloc(span, sizeof *ids);
    for (int i = 0; i < span; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%04d", stem, i);
        struct passwd *entry = getpwnam(name);
        if (!entry)
            die("getpwnam", name);
        ids[i] = entry->pw_uid;
    }
}

static void once(int turn)
{
    char name[128];
    int number = span ? turn % span : 0;
    if (span)
        snprintf(name, sizeof name, "%s%04d", stem, number);
    else
        snprintf(name, sizeof name, "%s", stem);
    if (!strcmp(operation, "logon") || !strcmp(operation, "account"))
        logon(name);
    else if (!strcmp(operation, "exchange"))
        exchange(name);
    else
        look_up(name, number);
}

int main(int argc, char **argv)
{
    if (argc != 8)
        die("arguments", "see the top of directory.c");
    operation = argv[1], folder = argv[2], service = argv[3], stem = argv[4], span = atoi(argv[5]);
    int count = atoi(argv[6]), processes = atoi(argv[7]);
    if (fgets(password, sizeof password, stdin))
        password[strcspn(password, "\n")] = 0;
    if (!strcmp(operation, "getpwuid"))
        learn_ids();
    long long *times = mmap(NULL, sizeof *times * count * processes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (times == MAP_FAILED)
        die("mmap", "no memory");
    /* The first time loads what is loaded once. */
    if (processes == 1)
        once(0);
    long long begin = now();
    for (int process = 0; process < processes; process++) {
        pid_t child = fork();
        if (child < 0)
            die("fork", "no process");
        if (child)
            continue;
        for (int i = 0; i < count; i++) {
            long long start = now();
            once(i * processes + process + 1);
            times[process * count + i] = now() - start;
        }
        _exit(0);
    }
    int status, bad = 0;
    while (wait(&status) > 0)
        bad |= status;
    long long all = now() - begin;
    if (bad)
        return 1;
    for (int i = 0; i < count * processes; i++)
        printf("%lld\n", times[i]);
    printf("all %lld\n", all);
    return 0;
}
