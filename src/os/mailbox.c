/* SPDX-License-Identifier: Apache-2.0 */
#include "os/mailbox.h"

#include <stdatomic.h>

void mailbox_init(struct mailbox *mailbox, struct io *io)
{
    mailbox->io = io;
    mailbox->received = 0;
    atomic_init(&mailbox->mails, NULL);
}

void mailbox_send(struct mailbox *mailbox, struct mail *mail)
{
    struct mail *head = atomic_load_explicit(&mailbox->mails, memory_order_relaxed);

    assert(!mail->is_sent);
    assert(mail->receive);
    mail->is_sent = true;
    do {
        mail->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->mails, &head, mail,
                                                    memory_order_release, memory_order_relaxed));
    if (!head)
        mailbox->io->ops->wake(mailbox->io);
}

size_t mailbox_receive(struct mailbox *mailbox)
{
    struct mail *newest = atomic_exchange_explicit(&mailbox->mails, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    size_t count = 0;

    while (newest) { /* Turn the stack over. */
        struct mail *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct mail *mail = oldest;

        oldest = mail->next;
        mail->next = NULL;
        mail->is_sent = false;
        mail->receive(mail);
        count++;
    }
    mailbox->received += count;
    return count;
}
