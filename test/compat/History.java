// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.server.log.remote.metadata.storage.serialization.RemoteLogMetadataSerde;
import org.apache.kafka.server.log.remote.storage.RemoteLogMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentId;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata.CustomMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadataUpdate;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentState;
import org.apache.kafka.server.log.remote.storage.RemotePartitionDeleteMetadata;
import org.apache.kafka.server.log.remote.storage.RemotePartitionDeleteState;

/**
 * Gives a broker something to keep, of the kinds that are named:
 *
 *     History BOOTSTRAP codecs|transactions|settings|groups|new-groups|share|remote ...
 */
public class History {
    static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    static Map<String, Object> common;

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static KafkaProducer<byte[], byte[]> producer(Object... settings) {
        Map<String, Object> all = new HashMap<>(common);
        all.put("linger.ms", 5);
        for (int i = 0; i < settings.length; i += 2)
            all.put((String) settings[i], settings[i + 1]);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static ProducerRecord<byte[], byte[]> record(String topic, int i) {
        byte[] key = i % 3 == 0 ? null : i % 7 == 0 ? new byte[] {(byte) 0xc3, 0x28, (byte) 0xff} : bytes("k\u00fc" + i);
        byte[] value = i % 5 == 0 ? null : bytes("value " + i + " \ud83d\ude80 " + "x".repeat(i * 37 % 400));
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, 0, key, value);
        for (int h = 0; h < i % 4; h++)
            record.headers().add("h" + h + (h == 2 ? ",]" : ""), h == 1 ? null : bytes("v" + h));
        return record;
    }

    static void codecs() {
        for (String codec : CODECS) {
            try (var producer = producer("compression.type", codec)) {
                for (int i = 0; i < 600; i++) {
                    producer.send(record("codecs", i));
                    producer.send(record("times", i));
                    if (i % 40 == 39)
                        producer.flush();
                }
            }
        }
        try (var producer = producer("enable.idempotence", false, "acks", "1")) {
            for (int i = 0; i < 20; i++)
                producer.send(new ProducerRecord<>("codecs", 0, 1000L * (20 - i), null, bytes("back")));
        }
    }

    static void transactions() {
        try (var a = producer("transactional.id", "a"); var b = producer("transactional.id", "b")) {
            a.initTransactions();
            b.initTransactions();
            for (int i = 0; i < 12; i++) {
                var mine = i % 2 == 0 ? a : b;
                mine.beginTransaction();
                for (int j = 0; j < i; j++)
                    mine.send(record("txn", j));
                if (i % 4 == 1)
                    mine.sendOffsetsToTransaction(
                        Map.of(new TopicPartition("codecs", 0), new OffsetAndMetadata(i, Optional.of(0), "m")),
                        new org.apache.kafka.clients.consumer.ConsumerGroupMetadata("in-txn"));
                if (i % 3 == 0)
                    mine.abortTransaction();
                else
                    mine.commitTransaction();
            }
        }
    }

    static void consume(Consumer<byte[], byte[]> consumer) {
        consumer.subscribe(List.of("codecs", "txn"));
        int got = 0;
        while (got < 100)
            got += consumer.poll(Duration.ofSeconds(5)).count();
        consumer.commitSync();
        consumer.close();
    }

    static Map<String, Object> member(Object... settings) {
        Map<String, Object> all = new HashMap<>(common);
        all.put("auto.offset.reset", "earliest");
        for (int i = 0; i < settings.length; i += 2)
            all.put((String) settings[i], settings[i + 1]);
        return all;
    }

    static void groups(boolean isNew) {
        var none = new ByteArrayDeserializer();
        consume(new KafkaConsumer<>(member("group.id", "classic"), none, none));
        consume(new KafkaConsumer<>(member("group.id", "static", "group.instance.id", "one"), none, none));
        if (isNew)
            consume(new KafkaConsumer<>(member("group.id", "new", "group.protocol", "consumer"), none, none));
    }

    static void share() {
        var none = new ByteArrayDeserializer();
        Map<String, Object> settings = new HashMap<>(common);
        settings.put("group.id", "share");
        try (var consumer = new KafkaShareConsumer<>(settings, none, none); var producer = producer()) {
            consumer.subscribe(List.of("shared"));
            ConsumerRecords<byte[], byte[]> got = consumer.poll(Duration.ofSeconds(1));
            while (got.isEmpty()) {
                producer.send(record("shared", 1));
                got = consumer.poll(Duration.ofSeconds(1));
            }
            consumer.commitSync();
        }
    }

    static void administer(Admin admin) throws Exception {
        admin.createPartitions(Map.of("times", NewPartitions.increaseTo(3))).all().get();
        admin.createTopics(List.of(new NewTopic("gone", 2, (short) 1))).all().get();
        admin.deleteTopics(List.of("gone")).all().get();
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "txn");
        Collection<AlterConfigOp> ops = List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "12345678"), AlterConfigOp.OpType.SET),
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(topic, ops)).all().get();
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
            new ClientQuotaEntity(Map.of("user", "\u00fcser")),
            List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1048576.0))))).all().get();
        admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("u",
            new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all().get();
    }

    /** Records of tiered storage, in a topic of ours. */
    static void remote() {
        var serde = new RemoteLogMetadataSerde();
        var partition = new TopicIdPartition(Uuid.randomUuid(), new TopicPartition("tiered", 3));
        try (var producer = producer()) {
            for (int i = 0; i < 4; i++) {
                var id = new RemoteLogSegmentId(partition, Uuid.randomUuid());
                Optional<CustomMetadata> custom = i % 2 == 0 ? Optional.empty() : Optional.of(new CustomMetadata(new byte[i]));
                List<RemoteLogMetadata> all = List.of(
                    new RemoteLogSegmentMetadata(id, i * 100, i * 100 + 99, 1000 + i, i, 2000 + i, 4096, custom,
                                                 RemoteLogSegmentState.forId((byte) i), Map.of(0, i * 100L, 3, i * 100L + 7), i > 2),
                    new RemoteLogSegmentMetadataUpdate(id, 3000 + i, custom, RemoteLogSegmentState.forId((byte) (i < 1 ? 1 : i)), i),
                    new RemotePartitionDeleteMetadata(partition, RemotePartitionDeleteState.forId((byte) (i % 3)), 4000 + i, i));
                for (RemoteLogMetadata metadata : all)
                    producer.send(new ProducerRecord<>("remote", serde.serialize(metadata)));
            }
        }
    }

    static void part(Admin admin, String name) throws Exception {
        switch (name) {
        case "codecs": codecs(); break;
        case "transactions": transactions(); break;
        case "settings": administer(admin); break;
        case "groups": groups(false); break;
        case "new-groups": groups(true); break;
        case "share": share(); break;
        case "remote": remote(); break;
        default: throw new IllegalArgumentException(name);
        }
    }

    public static void main(String[] args) throws Exception {
        common = Map.of("bootstrap.servers", args[0]);
        try (Admin admin = Admin.create(common)) {
            NewTopic times = new NewTopic("times", 1, (short) 1).configs(Map.of("message.timestamp.type", "LogAppendTime"));
            admin.createTopics(List.of(new NewTopic("codecs", 1, (short) 1), times,
                                       new NewTopic("txn", 1, (short) 1), new NewTopic("shared", 1, (short) 1))).all().get();
            for (int i = 1; i < args.length; i++)
                part(admin, args[i]);
        }
    }
}
