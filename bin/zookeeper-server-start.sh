#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scripts of old start this first.  Nothing needs to be started: a node keeps the cluster's
# metadata itself.
echo "ZooKeeper is not needed: start the server with kafka-server-start.sh"
