/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/metadata_control.h - the control records of the metadata log and its snapshots.
 *
 * Threading: constants.
 * Errors:    none.
 */

/* In the key of a control record, behind a version that is 0. */
enum metadata_control {
    METADATA_CONTROL_LEADER_CHANGE = 2,
    METADATA_CONTROL_SNAPSHOT_HEADER = 3,
    METADATA_CONTROL_SNAPSHOT_FOOTER = 4,
    METADATA_CONTROL_KRAFT_VERSION = 5,
    METADATA_CONTROL_VOTERS = 6,
};
