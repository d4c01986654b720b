/* domlogon-probe: make real PAM calls with scripted answers, and print what happened.
 *
 *   domlogon-probe [OPTION…] SERVICE USER OPERATION…
 *
 * Operations, made in order: auth acct setcred delcred open close chauthtok expired
 * (expired: chauthtok with PAM_CHANGE_EXPIRED_AUTHTOK). A leading "." makes it with PAM_SILENT.
 * "sh:COMMAND" runs a shell command between two calls. "pause" prints "pause" and waits for a byte on
 * standard input; "end" ends the transaction, and only a pause may follow.
 *
 *   -c FOLDER  read the service's file from FOLDER (pam_start_confdir)
 *   -a TEXT    the answer to the next prompt; one -a for each. "!COMMAND" first runs a shell
 *              command and then answers with the following one: it acts between the two passes
 *              of chauthtok, where nothing else can reach
 *   -L BYTES   an answer of that many letters
 *   -f FILE    an answer that is read from FILE when it is wanted, so that this program has no copy
 *              of it but the one that it gives away
 *   -m MODE    how the conversation behaves; see enum below
 *   -r HOST    PAM_RHOST   -t TTY    PAM_TTY
 *
 * Output, one line each, fields parted by one space:
 *   prompt off|on TEXT      error TEXT      info TEXT      exhausted
 *   delay MILLISECONDS (asked for after a refusal, and not waited for)
 *   return OPERATION CODE SYMBOL MILLISECONDS MICROSECONDS (the same time twice)
 * Control characters in TEXT are written as \xNN. Exit status: 0, or 3 when pam_start failed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum mode {
    NORMAL,
    NULL_REPLIES, /* success, and the array of replies is NULL */
    NULL_TEXT,    /* success, and each reply's text is NULL */
    NULL_FOR_INFO,/* as many programs do: no array when nothing was asked */
    REFUSE,       /* PAM_CONV_ERR, array untouched */
    REFUSE_AGAIN, /* PAM_CONV_AGAIN, an application that is not ready */
    TOO_MANY,     /* more replies than messages */
    NO_FUNCTION,  /* the conversation function itself is NULL */
    CANCEL,       /* answers, and meanwhile somebody has cancelled the thread */
};
static const char *const mode_names[] = {"normal", "null-replies", "null-text", "null-for-info",
                                         "refuse", "refuse-again", "too-many", "no-function", "cancel"};

static enum mode mode = NORMAL;
static char *answers[64];
static int is_file[64];
static int given, used;

static void show(const char *kind, const char *text)
{
    printf("%s ", kind);
    for (const unsigned char *c = (const unsigned char *)(text ? text : "(null)"); *c; c++) {
        if (*c < 32 || *c == 127)
            printf("\\x%02x", *c);
        else
            putchar(*c);
    }
    putchar('\n');
}

/* Straight into what is given away: no buffer in between. */
static char *content(const char *name)
{
    char *text = calloc(1, 4096);
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (!text || file < 0 || read(file, text, 4095) < 0) {
        fprintf(stderr, "domlogon-probe: %s cannot be read\n", name);
        exit(2);
    }
    close(file);
    return text;
}

static char *next_answer(void)
{
    while (used < given && answers[used][0] == '!') {
        if (system(answers[used++] + 1) != 0)
            printf("info command failed\n");
    }
    if (used >= given) {
        printf("exhausted\n");
        return NULL;
    }
    if (is_file[used])
        return content(answers[used++]);
    return strdup(answers[used++]);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies, void *data)
{
    (void)data;
    int asked = 0;
    /* The surplus of TOO_MANY is allocated for real: reading it is harmless, counting on it is not. */
    struct pam_response *out = calloc((size_t)count + 8, sizeof *out);
    if (!out)
        return PAM_BUF_ERR;
    if (mode == CANCEL)
        pthread_cancel(pthread_self());
    for (int i = 0; i < count; i++) {
        switch (messages[i]->msg_style) {
        case PAM_PROMPT_ECHO_OFF:
            show("prompt off", messages[i]->msg);
            asked++;
            break;
        case PAM_PROMPT_ECHO_ON:
            show("prompt on", messages[i]->msg);
            asked++;
            break;
        case PAM_ERROR_MSG:
            show("error", messages[i]->msg);
            continue;
        case PAM_TEXT_INFO:
            show("info", messages[i]->msg);
            continue;
        default:
            show("unknown-style", messages[i]->msg);
            continue;
        }
        if (mode == NORMAL || mode == TOO_MANY || mode == NULL_FOR_INFO || mode == CANCEL) {
            out[i].resp = next_answer();
            if (!out[i].resp) {
                free(out);
                return PAM_CONV_ERR;
            }
        }
    }
    if (mode == TOO_MANY)
        for (int i = count; i < count + 8; i++)
            out[i].resp = strdup("surplus");
    if (mode == REFUSE || mode == REFUSE_AGAIN || mode == NULL_REPLIES || (mode == NULL_FOR_INFO && !asked)) {
        free(out);
        out = NULL;
    }
    if (mode == REFUSE)
        return PAM_CONV_ERR;
    if (mode == REFUSE_AGAIN)
        return PAM_CONV_AGAIN;
    *replies = out;
    return PAM_SUCCESS;
}

static const char *symbol(int code)
{
    static const char *const names[] = {
        "SUCCESS", "OPEN_ERR", "SYMBOL_ERR", "SERVICE_ERR", "SYSTEM_ERR", "BUF_ERR", "PERM_DENIED", "AUTH_ERR",
        "CRED_INSUFFICIENT", "AUTHINFO_UNAVAIL", "USER_UNKNOWN", "MAXTRIES", "NEW_AUTHTOK_REQD", "ACCT_EXPIRED",
        "SESSION_ERR", "CRED_UNAVAIL", "CRED_EXPIRED", "CRED_ERR", "NO_MODULE_DATA", "CONV_ERR", "AUTHTOK_ERR",
        "AUTHTOK_RECOVERY_ERR", "AUTHTOK_LOCK_BUSY", "AUTHTOK_DISABLE_AGING", "TRY_AGAIN", "IGNORE", "ABORT",
        "AUTHTOK_EXPIRED", "MODULE_UNKNOWN", "BAD_ITEM", "CONV_AGAIN", "INCOMPLETE"};
    return code >= 0 && code < (int)(sizeof names / sizeof *names) ? names[code] : "UNDEFINED";
}

static int operate(pam_handle_t *handle, const char *name, int flags)
{
    if (!strcmp(name, "auth"))
        return pam_authenticate(handle, flags);
    if (!strcmp(name, "acct"))
        return pam_acct_mgmt(handle, flags);
    if (!strcmp(name, "setcred"))
        return pam_setcred(handle, flags | PAM_ESTABLISH_CRED);
    if (!strcmp(name, "delcred"))
        return pam_setcred(handle, flags | PAM_DELETE_CRED);
    if (!strcmp(name, "open"))
        return pam_open_session(handle, flags);
    if (!strcmp(name, "close"))
        return pam_close_session(handle, flags);
    if (!strcmp(name, "chauthtok"))
        return pam_chauthtok(handle, flags);
    if (!strcmp(name, "expired"))
        return pam_chauthtok(handle, flags | PAM_CHANGE_EXPIRED_AUTHTOK);
    fprintf(stderr, "domlogon-probe: no operation \"%s\"\n", name);
    exit(2);
}

struct work {
    pam_handle_t *handle;
    char **operations; /* ends with NULL */
    int code;          /* of the last one */
};

static void *operate_all(void *data)
{
    struct work *work = data;
    for (char **operation = work->operations; *operation; operation++) {
        pthread_testcancel();
        if (!strncmp(*operation, "sh:", 3)) {
            if (system(*operation + 3) != 0)
                printf("info command failed\n");
            continue;
        }
        if (!strcmp(*operation, "pause")) {
            char byte;
            printf("pause\n");
            if (read(0, &byte, 1) < 0)
                exit(2);
            continue;
        }
        if (!strcmp(*operation, "end")) {
            pam_end(work->handle, work->code);
            work->handle = NULL;
            continue;
        }
        int silent = **operation == '.';
        const char *name = *operation + silent;
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        int code = operate(work->handle, name, silent ? PAM_SILENT : 0);
        clock_gettime(CLOCK_MONOTONIC, &end);
        long took = (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000;
        work->code = code;
        printf("return %s %d %s %ld %ld\n", name, code, symbol(code), took / 1000, took);
    }
    return NULL;
}

static void add_answer(char *text)
{
    if (given == (int)(sizeof answers / sizeof *answers)) {
        fprintf(stderr, "domlogon-probe: too many answers\n");
        exit(2);
    }
    answers[given++] = text;
}

static char *letters(size_t count)
{
    char *text = malloc(count + 1);
    if (!text)
        exit(2);
    memset(text, 'a', count);
    text[count] = 0;
    return text;
}

/* libpam calls this instead of sleeping after a refusal, and the suites need not wait. */
static void no_delay(int code, unsigned microseconds, void *data)
{
    (void)code, (void)data;
    if (microseconds)
        printf("delay %u ms\n", microseconds / 1000);
}

int main(int argc, char **argv)
{
    const char *folder = NULL, *host = NULL, *tty = "tty1";
    int option;
    while ((option = getopt(argc, argv, "+c:a:L:f:m:r:t:")) != -1) {
        switch (option) {
        case 'c': folder = optarg; break;
        case 'a': add_answer(optarg); break;
        case 'f': add_answer(optarg); is_file[given - 1] = 1; break;
        case 'L': add_answer(letters((size_t)atol(optarg))); break;
        case 'r': host = optarg; break;
        case 't': tty = optarg; break;
        case 'm':
            for (mode = NORMAL; mode <= CANCEL && strcmp(mode_names[mode], optarg); mode++)
                ;
            if (mode <= CANCEL)
                break;
            /* fall through */
        default:
            fprintf(stderr, "domlogon-probe: bad option; see the head of tests/probe.c\n");
            return 2;
        }
    }
    if (argc - optind < 3) {
        fprintf(stderr, "domlogon-probe: needs SERVICE USER OPERATION…\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *service = argv[optind], *user = argv[optind + 1];
    struct pam_conv conversation = {mode == NO_FUNCTION ? NULL : converse, NULL};
    pam_handle_t *handle = NULL;
    int code = folder ? pam_start_confdir(service, user, &conversation, folder, &handle)
                      : pam_start(service, user, &conversation, &handle);
    if (code != PAM_SUCCESS) {
        printf("return start %d %s 0\n", code, symbol(code));
        return 3;
    }
    pam_set_item(handle, PAM_TTY, tty);
    void (*delay)(int, unsigned, void *) = no_delay;
    pam_set_item(handle, PAM_FAIL_DELAY, *(void **)&delay);
    if (host)
        pam_set_item(handle, PAM_RHOST, host);
    struct work work = {handle, argv + optind + 2, PAM_SUCCESS};
    if (mode == CANCEL) {
        /* In a thread: one that was cancelled ends, and the program goes on. */
        pthread_t thread;
        void *end;
        if (pthread_create(&thread, NULL, operate_all, &work) || pthread_join(thread, &end))
            return 2;
        if (end == PTHREAD_CANCELED)
            printf("info the thread was cancelled\n");
    } else {
        operate_all(&work);
    }
    if (work.handle)
        pam_end(work.handle, work.code);
    return 0;
}
