// SPDX-License-Identifier: Apache-2.0

// franz-go as a program: README.md of the folder above has the lines that it speaks.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type line struct {
	Topic     string       `json:"topic"`
	Partition *int32       `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp *int64       `json:"timestamp"`
	Headers   [][2]*string `json:"headers"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap))...)
	check(err)
	return made
}

func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

func textOf(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}

func create(bootstrap, partitions string, topics []string) {
	count, err := strconv.Atoi(partitions)
	check(err)
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10000
	for _, topic := range topics {
		wanted := kmsg.NewCreateTopicsRequestTopic()
		wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = topic, int32(count), 1
		request.Topics = append(request.Topics, wanted)
	}
	admin := client(bootstrap)
	defer admin.Close()
	answer, err := request.RequestWith(context.Background(), admin)
	check(err)
	for _, topic := range answer.Topics {
		check(kerr.ErrorForCode(topic.ErrorCode))
	}
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// A record's own partition, that of its key, or the next one.
func partitioner() kgo.Partitioner {
	return kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		next := 0
		return func(r *kgo.Record, count int) int {
			if r.Partition >= 0 {
				return int(r.Partition)
			}
			if r.Key != nil {
				hash := fnv.New32a()
				hash.Write(r.Key)
				return int(hash.Sum32() % uint32(count))
			}
			next++
			return next % count
		}
	})
}

func write(bootstrap string, words []string) {
	producers := map[string]*kgo.Client{}
	for _, word := range words {
		topic, codec, _ := strings.Cut(word, "=")
		producers[topic] = client(bootstrap, kgo.ProducerBatchCompression(codecs[codec]),
			kgo.ProducerLinger(5*time.Millisecond), kgo.RecordPartitioner(partitioner()))
	}
	var failed sync.Map
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var one line
		check(json.Unmarshal(in.Bytes(), &one))
		record := &kgo.Record{Topic: one.Topic, Key: bytesOf(one.Key), Value: bytesOf(one.Value),
			Partition: -1}
		if one.Partition != nil {
			record.Partition = *one.Partition
		}
		if one.Timestamp != nil {
			record.Timestamp = time.UnixMilli(*one.Timestamp)
		}
		for _, header := range one.Headers {
			record.Headers = append(record.Headers,
				kgo.RecordHeader{Key: *header[0], Value: bytesOf(header[1])})
		}
		producers[one.Topic].Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store("failed", err)
			}
		})
	}
	check(in.Err())
	for _, producer := range producers {
		check(producer.Flush(context.Background()))
		producer.Close()
	}
	if err, ok := failed.Load("failed"); ok {
		check(err.(error))
	}
}

// Marks what is printed; marks are committed in the background.
func read(bootstrap, group string, topics []string) {
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	consumer := client(bootstrap, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics...),
		kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(200*time.Millisecond),
		kgo.BlockRebalanceOnPoll(), kgo.MetadataMaxAge(2*time.Second),
		kgo.MetadataMinAge(500*time.Millisecond))
	out := bufio.NewWriter(os.Stdout)
	for stopped.Err() == nil {
		fetches := consumer.PollFetches(stopped)
		fetches.EachRecord(func(r *kgo.Record) {
			timestamp := r.Timestamp.UnixMilli()
			one := line{r.Topic, &r.Partition, r.Offset, &timestamp, [][2]*string{},
				textOf(r.Key), textOf(r.Value)}
			for _, header := range r.Headers {
				name := header.Key
				one.Headers = append(one.Headers, [2]*string{&name, textOf(header.Value)})
			}
			text, err := json.Marshal(one)
			check(err)
			out.Write(append(text, '\n'))
		})
		check(out.Flush())
		consumer.MarkCommitRecords(fetches.Records()...)
		consumer.AllowRebalance()
	}
	check(consumer.CommitMarkedOffsets(context.Background()))
	consumer.CloseAllowingRebalance()
}

func main() {
	words := os.Args
	switch words[1] {
	case "create":
		create(words[2], words[3], words[4:])
	case "write":
		write(words[2], words[3:])
	case "read":
		read(words[2], words[3], words[4:])
	}
}
