/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/loop.h"
#include "os/thread.h"
#include "test/harness/check.h"

/* A world that counts how often it is woken. */
struct bell {
    struct io io;
    int wakes;
};

static void bell_wake(struct io *io)
{
    container_of(io, struct bell, io)->wakes++;
}

static const struct io_ops bell_ops = {.wake = bell_wake};

struct letter {
    struct mail mail;
    struct mailbox *again; /* Where to send it once more from inside receive(). */
    int number;
    int *last; /* The number that came before. */
};

static void receive(struct mail *mail)
{
    struct letter *letter = container_of(mail, struct letter, mail);

    check(!mail->is_sent);
    check_eq(letter->number, *letter->last + 1);
    *letter->last = letter->number;
    if (letter->again) {
        letter->number += 2;
        mailbox_send(take(letter->again), mail);
    }
}

TEST(mailbox, mail_comes_in_the_order_it_was_sent)
{
    struct bell bell = {.io = {.ops = &bell_ops}};
    struct letter letters[5];
    struct mailbox mailbox;
    int last = -1;

    mailbox_init(&mailbox, &bell.io);
    check_eq(mailbox_receive(&mailbox), 0);
    for (int i = 0; i < 5; i++) {
        letters[i] = (struct letter){.mail = {.receive = receive}, .number = i, .last = &last};
        mailbox_send(&mailbox, &letters[i].mail);
    }
    check_eq(bell.wakes, 1);
    check_eq(mailbox_receive(&mailbox), 5);
    check_eq(last, 4);
    check_eq(mailbox.received, 5);
}

TEST(mailbox, each_step_from_empty_wakes_once)
{
    struct bell bell = {.io = {.ops = &bell_ops}};
    struct letter a = {.mail = {.receive = receive}};
    struct mailbox mailbox;
    int last = -1;

    a.last = &last;
    mailbox_init(&mailbox, &bell.io);
    mailbox_send(&mailbox, &a.mail);
    check_eq(mailbox_receive(&mailbox), 1);
    a.number = 1;
    mailbox_send(&mailbox, &a.mail);
    check_eq(bell.wakes, 2);
    check_eq(mailbox_receive(&mailbox), 1);
}

TEST(mailbox, mail_may_be_sent_on_from_where_it_arrives)
{
    struct bell bell = {.io = {.ops = &bell_ops}};
    struct letter a = {.mail = {.receive = receive}};
    struct letter b = {.mail = {.receive = receive}, .number = 1};
    struct mailbox mailbox;
    int last = -1;

    mailbox_init(&mailbox, &bell.io);
    a.last = b.last = &last;
    a.again = &mailbox;
    mailbox_send(&mailbox, &a.mail);
    mailbox_send(&mailbox, &b.mail);
    check_eq(mailbox_receive(&mailbox), 2); /* What is sent meanwhile waits. */
    check_eq(mailbox_receive(&mailbox), 1);
    check_eq(last, 2);
}

TEST(mailbox, mail_that_is_under_way_cannot_be_sent)
{
    struct bell bell = {.io = {.ops = &bell_ops}};
    struct mail mail = {.receive = receive};
    struct mail nobody = {.receive = NULL};
    struct mailbox mailbox;

    mailbox_init(&mailbox, &bell.io);
    check_bug(mailbox_send(&mailbox, &nobody));
    mailbox_send(&mailbox, &mail);
    check_bug(mailbox_send(&mailbox, &mail));
}

enum { SENDERS = 3, LETTERS = 3000 };

/* A thread that sends its letters one after the other. */
struct sender {
    struct mailbox *mailbox;
    struct thread *thread;
    struct letter letters[LETTERS];
    int last;
};

static void send_all(void *context)
{
    struct sender *sender = context;

    for (int i = 0; i < LETTERS; i++)
        mailbox_send(sender->mailbox, &sender->letters[i].mail);
}

TEST(mailbox, each_sender_s_mail_arrives_whole_and_in_order)
{
    static struct sender senders[SENDERS];
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct loop loop;
    size_t turns = 0;

    check_ok(linux_io_create(&io));
    loop_init(&loop, io);
    for (int s = 0; s < SENDERS; s++) {
        senders[s].mailbox = &loop.mailbox;
        senders[s].last = -1;
        for (int i = 0; i < LETTERS; i++)
            senders[s].letters[i] = (struct letter){
                .mail = {.receive = receive}, .number = i, .last = &senders[s].last};
        check_ok(thread_start(send_all, &senders[s], &senders[s].thread));
    }
    for (; loop.mailbox.received < SENDERS * LETTERS; turns++)
        loop_turn(&loop, -1); /* A wake that got lost would leave us here. */
    for (int s = 0; s < SENDERS; s++) {
        thread_join(senders[s].thread);
        check_eq(senders[s].last, LETTERS - 1);
    }
    check(turns <= SENDERS * LETTERS);
    loop_fini(&loop);
}
