/* SPDX-License-Identifier: Apache-2.0 */

/* test/harness/main.c - main() of every test program that is not a fuzzer. */

int harness_main(int argc, char **argv);

int main(int argc, char **argv)
{
    return harness_main(argc, argv);
}
