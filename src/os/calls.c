/* SPDX-License-Identifier: Apache-2.0 */
#include "os/calls.h"

#include "base/err.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

int calls_open(struct calls *calls, void (*ready)(struct io_watch *watch, unsigned events))
{
    *calls = (struct calls){.watch = {.ready = ready, .fd = -1}, .is_busy = true};
    calls->watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (calls->watch.fd < 0)
        return err_raise(-errno);
    pthread_mutex_init(&calls->mutex, NULL);
    pthread_cond_init(&calls->changed, NULL);
    return 0;
}

void calls_fini(struct calls *calls)
{
    close(calls->watch.fd);
    pthread_cond_destroy(&calls->changed);
    pthread_mutex_destroy(&calls->mutex);
}

/* With the mutex held, as the one whose call is under way. */
static int await(struct calls *calls, char *out_text)
{
    int result;

    while (!calls->is_answered && !calls->is_closed)
        pthread_cond_wait(&calls->changed, &calls->mutex);
    result = calls->is_answered ? calls->result : calls->closed_result;
    memcpy(out_text, calls->text, sizeof(calls->text));
    calls->text[0] = '\0';
    calls->what = 0;
    calls->is_busy = calls->is_answered = false;
    pthread_cond_broadcast(&calls->changed);
    return result;
}

int calls_make(struct calls *calls, int what, char out_text[static CALLS_TEXT_MAX])
{
    uint64_t one = 1;
    int result;

    assert(what);
    pthread_mutex_lock(&calls->mutex);
    while (calls->is_busy)
        pthread_cond_wait(&calls->changed, &calls->mutex);
    calls->is_busy = true;
    calls->what = what;
    if (write(calls->watch.fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* Then it is readable already. */
    result = await(calls, out_text);
    pthread_mutex_unlock(&calls->mutex);
    return result;
}

int calls_wait(struct calls *calls, char out_text[static CALLS_TEXT_MAX])
{
    int result;

    pthread_mutex_lock(&calls->mutex);
    assert(calls->is_busy && !calls->what);
    result = await(calls, out_text);
    pthread_mutex_unlock(&calls->mutex);
    return result;
}

int calls_take(struct calls *calls)
{
    uint64_t count;
    int what;

    if (read(calls->watch.fd, &count, sizeof(count)) < 0)
        assert(errno == EAGAIN);
    pthread_mutex_lock(&calls->mutex);
    what = calls->what;
    calls->what = 0;
    pthread_mutex_unlock(&calls->mutex);
    return what;
}

void calls_say(struct calls *calls, const char *text)
{
    pthread_mutex_lock(&calls->mutex);
    if (calls->is_busy && !calls->text[0])
        (void)snprintf(calls->text, sizeof(calls->text), "%s", text);
    pthread_mutex_unlock(&calls->mutex);
}

void calls_answer(struct calls *calls, int result)
{
    pthread_mutex_lock(&calls->mutex);
    if (calls->is_busy && !calls->is_answered) {
        calls->is_answered = true;
        calls->result = result;
    }
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->mutex);
}

void calls_close(struct calls *calls, int result)
{
    pthread_mutex_lock(&calls->mutex);
    if (!calls->is_closed)
        calls->closed_result = result;
    calls->is_closed = true;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->mutex);
}
