// SPDX-License-Identifier: Apache-2.0

// kafkajs as a program: README.md of the folder above has the lines that it speaks.
"use strict";

const readline = require("readline");
const lz4 = require("lz4js");
const snappy = require("kafkajs-snappy");
const zstd = require("@bokuweb/zstd-wasm");
const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = require("kafkajs");

const AT_ONCE = 100; // Records in a request.
const CODECS = {
    none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD,
};

CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
    // Kafka reads frames of independent blocks only.  lz4js marks its blocks as dependent; what
    // fits into its first block of 4 MiB is not, and its header may say so.
    compress: async encoder => {
        const frame = Buffer.from(lz4.compress(encoder.buffer));
        frame.set([0x60, 0x70, 0x73], 4);
        return frame;
    },
    decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async encoder => Buffer.from(zstd.compress(encoder.buffer)),
    decompress: async buffer => Buffer.from(zstd.decompress(buffer)),
});

function kafka(bootstrap) {
    return new Kafka({
        brokers: [bootstrap], logLevel: logLevel.ERROR,
        retry: { retries: 200, initialRetryTime: 100, maxRetryTime: 1000 },
    });
}

async function create(bootstrap, partitions, ...topics) {
    const admin = kafka(bootstrap).admin();
    await admin.connect();
    await admin.createTopics({
        topics: topics.map(topic => ({ topic, numPartitions: Number(partitions) })),
    });
    await admin.disconnect();
}

function messageOf(one) {
    const headers = {};
    for (const [name, value] of one.headers)
        headers[name] = name in headers ? [].concat(headers[name], value) : value;
    return {
        key: one.key, value: one.value, headers,
        ...one.partition === null ? {} : { partition: one.partition },
        ...one.timestamp === null ? {} : { timestamp: String(one.timestamp) },
    };
}

// kafkajs chooses partitions anew for what it sends again.  A request of which one partition was
// written then has other records behind the same sequence numbers, and fails, if those without a
// key go to the next partition: so they go where their values tell.
function createPartitioner() {
    const choose = Partitioners.DefaultPartitioner();
    return ({ message, ...rest }) =>
        choose({ ...rest, message: { ...message, key: message.key || message.value } });
}

async function write(bootstrap, ...words) {
    const codecs = Object.fromEntries(words.map(word => word.split("=")));
    const producers = {};
    for (const topic of Object.keys(codecs)) {
        producers[topic] = kafka(bootstrap).producer({
            idempotent: true, maxInFlightRequests: 1, createPartitioner,
        });
        await producers[topic].connect();
    }
    const waiting = {};
    async function send(topic) {
        const messages = waiting[topic] || [];
        waiting[topic] = [];
        if (messages.length)
            await producers[topic].send({ topic, messages, compression: CODECS[codecs[topic]] });
    }
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const one = JSON.parse(line);
        const messages = waiting[one.topic] = waiting[one.topic] || [];
        if (messages.push(messageOf(one)) === AT_ONCE)
            await send(one.topic);
    }
    for (const topic of Object.keys(codecs)) {
        await send(topic);
        await producers[topic].disconnect();
    }
}

function textOf(data) {
    return data === null || data === undefined ? null : data.toString();
}

function lineOf(topic, partition, message) {
    const headers = [];
    for (const [name, value] of Object.entries(message.headers || {}))
        for (const each of [].concat(value))
            headers.push([name, textOf(each)]);
    return JSON.stringify({
        topic, partition, offset: Number(message.offset), timestamp: Number(message.timestamp),
        headers, key: textOf(message.key), value: textOf(message.value),
    }) + "\n";
}

// What is printed is resolved, and what is resolved is committed.
async function read(bootstrap, groupId, ...topics) {
    const consumer = kafka(bootstrap).consumer({
        groupId, sessionTimeout: 6000, heartbeatInterval: 500, metadataMaxAge: 2000,
        maxWaitTimeInMs: 500,
    });
    process.on("SIGTERM", () => consumer.disconnect().then(() => process.exit(0)));
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
        eachBatchAutoResolve: false, autoCommitInterval: 200,
        eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary,
                            isRunning, isStale }) => {
            if (!isRunning() || isStale())
                return;
            process.stdout.write(batch.messages.map(
                message => lineOf(batch.topic, batch.partition, message)).join(""));
            resolveOffset(batch.lastOffset());
            await commitOffsetsIfNecessary();
            await heartbeat();
        },
    });
}

zstd.init()
    .then(() => ({ create, write, read })[process.argv[2]](...process.argv.slice(3)))
    .catch(error => {
        console.error(error);
        process.exit(1);
    });
