#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Apache Kafka's name for `moldau kafka-verifiable-consumer`.
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
. "$here/moldau-find.sh"
exec "$MOLDAU" kafka-verifiable-consumer "$@"
