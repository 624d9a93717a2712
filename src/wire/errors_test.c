/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/errors.h"

TEST(errors, every_code_has_a_name_and_a_meaning_of_its_own)
{
    for (int a = ERROR_CODE_MIN; a <= ERROR_CODE_MAX; a++) {
        check(error_name((int16_t)a));
        check(error_meaning((int16_t)a));
        for (int b = ERROR_CODE_MIN; b < a; b++) {
            check(strcmp(error_name((int16_t)a), error_name((int16_t)b)) != 0);
            check(strcmp(error_meaning((int16_t)a), error_meaning((int16_t)b)) != 0);
        }
    }
}

TEST(errors, codes_are_those_of_the_protocol)
{
    check_eq(ERROR_UNKNOWN_SERVER_ERROR, -1);
    check_eq(ERROR_NONE, 0);
    check_eq(ERROR_UNKNOWN_TOPIC_OR_PARTITION, 3);
    check_eq(ERROR_UNSUPPORTED_VERSION, 35);
    check_eq(ERROR_INVALID_RECORD, 87);
    check_eq(ERROR_CONTROLLER_ID_NOT_REGISTERED, 136);
    check_text(error_name(45), "OUT_OF_ORDER_SEQUENCE_NUMBER");
}

TEST(errors, clients_retry_what_may_pass)
{
    check(error_is_retriable(ERROR_NOT_LEADER_OR_FOLLOWER));
    check_eq(error_retry(ERROR_NOT_LEADER_OR_FOLLOWER), ERROR_REFRESH);
    check_eq(error_retry(ERROR_REQUEST_TIMED_OUT), ERROR_RETRIABLE);
    check(!error_is_retriable(ERROR_NONE));
    check(!error_is_retriable(ERROR_INVALID_RECORD));
}

TEST(errors, an_unknown_code_counts_as_an_unknown_error)
{
    check_text(error_name(-2), "UNKNOWN_SERVER_ERROR");
    check_text(error_name(137), "UNKNOWN_SERVER_ERROR");
    check(!error_is_retriable(1000));
}
