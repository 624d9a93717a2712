// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's Java clients as a program: README.md has the lines that it speaks. */
public class LineClient {
    static final ObjectMapper JSON = new ObjectMapper();

    static Properties settings(String bootstrap, Object... pairs) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        for (int i = 0; i < pairs.length; i += 2)
            settings.put(pairs[i], pairs[i + 1].toString());
        return settings;
    }

    static void create(String bootstrap, int partitions, List<String> topics) throws Exception {
        List<NewTopic> wanted = new ArrayList<>();
        for (String topic : topics)
            wanted.add(new NewTopic(topic, partitions, (short) 1));
        try (Admin admin = Admin.create(settings(bootstrap))) {
            admin.createTopics(wanted).all().get();
        }
    }

    static String text(JsonNode node) {
        return node.isNull() ? null : node.asText();
    }

    static void write(String bootstrap, List<String> topics) throws Exception {
        Map<String, KafkaProducer<String, String>> producers = new HashMap<>();
        for (String word : topics) {
            String[] parts = word.split("=");
            producers.put(parts[0], new KafkaProducer<>(
                settings(bootstrap, "compression.type", parts[1]),
                new StringSerializer(), new StringSerializer()));
        }
        List<Future<?>> sent = new ArrayList<>();
        BufferedReader in = new BufferedReader(
            new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode one = JSON.readTree(line);
            String topic = one.get("topic").asText();
            JsonNode partition = one.get("partition"), time = one.get("timestamp");
            ProducerRecord<String, String> record = new ProducerRecord<>(
                topic, partition.isNull() ? null : partition.asInt(),
                time.isNull() ? null : time.asLong(), text(one.get("key")),
                text(one.get("value")));
            for (JsonNode header : one.get("headers"))
                record.headers().add(header.get(0).asText(),
                                     header.get(1).asText().getBytes(StandardCharsets.UTF_8));
            sent.add(producers.get(topic).send(record));
        }
        for (Future<?> future : sent)
            future.get();
        for (KafkaProducer<String, String> producer : producers.values())
            producer.close();
    }

    static String line(ConsumerRecord<String, String> record) throws Exception {
        ObjectNode node = JSON.createObjectNode();
        node.put("topic", record.topic());
        node.put("partition", record.partition());
        node.put("offset", record.offset());
        node.put("timestamp", record.timestamp());
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers())
            headers.addArray().add(header.key())
                .add(new String(header.value(), StandardCharsets.UTF_8));
        node.put("key", record.key());
        node.put("value", record.value());
        return JSON.writeValueAsString(node);
    }

    /** Commits what is printed: the position of a later poll. */
    static void read(String bootstrap, String group, List<String> topics) throws Exception {
        Thread main = Thread.currentThread();
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
            settings(bootstrap, "group.id", group, "auto.offset.reset", "earliest",
                     "session.timeout.ms", 6000, "heartbeat.interval.ms", 500,
                     "auto.commit.interval.ms", 200, "metadata.max.age.ms", 2000),
            new StringDeserializer(), new StringDeserializer());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join();
            } catch (InterruptedException e) {
                // The process ends anyway.
            }
        }));
        BufferedWriter out = new BufferedWriter(
            new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        consumer.subscribe(topics);
        try {
            while (true) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(2)))
                    out.write(line(record) + "\n");
                out.flush();
            }
        } catch (WakeupException e) {
            consumer.close();
        }
    }

    public static void main(String[] args) throws Exception {
        List<String> words = Arrays.asList(args);
        if (args[0].equals("create"))
            create(args[1], Integer.parseInt(args[2]), words.subList(3, args.length));
        else if (args[0].equals("write"))
            write(args[1], words.subList(2, args.length));
        else
            read(args[1], args[2], words.subList(3, args.length));
    }
}
