// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** One record in and out of a broker of our own, and again after a reset. */
public final class Example {
    private static void sendAndReceive(String bootstrap, String value) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap);
        try (var producer = new KafkaProducer<String, String>(config, new StringSerializer(),
                 new StringSerializer())) {
            long offset = producer.send(new ProducerRecord<>("orders", 0, null, value)).get().offset();
            if (offset != 0)
                throw new IllegalStateException("not the first record: " + offset);
        }
        try (var consumer = new KafkaConsumer<String, String>(config, new StringDeserializer(),
                 new StringDeserializer())) {
            var partition = new TopicPartition("orders", 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 0);
            var records = consumer.poll(Duration.ofSeconds(20)).records(partition);
            if (records.size() != 1 || !records.get(0).value().equals(value))
                throw new IllegalStateException("other records: " + records);
        }
    }

    private static double millis(long nanos) {
        return Math.round(nanos / 1e5) / 10.0;
    }

    public static void main(String[] args) throws Exception {
        long began = System.nanoTime();
        MoldauBroker broker = new MoldauBroker("num.partitions=1");
        long started = System.nanoTime() - began;
        sendAndReceive(broker.bootstrap(), "tea");
        began = System.nanoTime();
        broker.reset();
        long reset = System.nanoTime() - began;
        sendAndReceive(broker.bootstrap(), "bread");
        began = System.nanoTime();
        broker.close();
        System.out.printf("start %s ms, reset %s ms, stop %s ms%n", millis(started), millis(reset),
            millis(System.nanoTime() - began));
        try {
            new MoldauBroker("num.partition=1");
            throw new IllegalStateException("an unknown key was taken");
        } catch (IOException refused) {
            System.out.println("refused: " + refused.getMessage());
        }
    }
}
