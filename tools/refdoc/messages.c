/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/messages.c - messages.md: what is said in the log. */

#include "tools/refdoc/refdoc.h"

void refdoc_messages(struct text *out)
{
    refdoc_title(out, "Messages of the log", "src/base/diag_messages.def");
    text_printf(out, "A number stays when its sentence gets better words.  With "
                     "`server.log.format=json` each line\nis an object with time, level, id, "
                     "logger, message and fields.\n\n| id | message |\n|---|---|\n");
#define MESSAGE(id, sentence) text_printf(out, "| M%d | %s |\n", id, sentence);
#include "base/diag_messages.def"
}
