#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

# test/harness/harness_test.sh SAMPLE... - what the harness says of sample.c is true.
set -uo pipefail

sample=("${@:?usage: harness_test.sh SAMPLE...}")
passed=0 failed=0
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/sample.an_input_fails"
printf crash >"$corpus/sample.an_input_fails/find"
printf fine >"$corpus/sample.an_input_fails/other"

verdict() { # what, whether
    if [[ $2 -eq 0 ]]; then
        echo "ok   harness.$1"
        passed=$((passed + 1))
    else
        echo "FAIL harness.$1"
        failed=$((failed + 1))
    fi
}

says() { # what, text that must be in the output, arguments
    local what=$1 text=$2
    shift 2
    grep -qF -- "$text" <<<"$("${sample[@]}" "$@" 2>&1)"
    verdict "$what" $?
}

ends() { # what, exit code, arguments
    local what=$1 code=$2
    shift 2
    "${sample[@]}" "$@" >/dev/null 2>&1
    [[ $? -eq $code ]]
    verdict "$what" $?
}

all=(--corpus="$corpus")
says a_test_that_passes_is_told "ok   sample.passes" "${all[@]}"
says a_check_that_fails_is_told "failed: 1 + 1 == 3"
says values_that_differ_are_told "failed: 2 + 2 == 5 (4, 5)"
says texts_that_differ_are_told "it is: apples"
says a_kept_promise_fails_check_bug "a broken promise went unnoticed"
says a_failing_case_tells_its_seed "again with: --only=sample.one_case_in_many_fails --seed=0x"
says an_input_that_fails_is_named "with the input $corpus/sample.an_input_fails/find" "${all[@]}"
says all_are_counted "1 passed, 6 failed, 0 skipped" "${all[@]}"
says one_can_be_chosen "1 passed, 0 failed, 0 skipped" --only=sample.passes
says they_can_be_listed "sample.an_input_fails" --list
ends a_failure_is_an_exit_code 1 "${all[@]}"
ends success_is_0 0 --only=sample.passes
ends nothing_that_was_run_is_a_failure 1 --only=sample.no_such_test

seed=$("${sample[@]}" 2>&1 | sed -n 's/.*one_case_in_many_fails --seed=//p')
ends the_seed_repeats_the_failure 1 --only=sample.one_case_in_many_fails --seed="$seed"
ends another_seed_does_not 0 --only=sample.one_case_in_many_fails --seed=1

echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
