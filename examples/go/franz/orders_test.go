// SPDX-License-Identifier: Apache-2.0

// Package orders has tests of a program that uses franz-go.
package orders

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"moldau"
)

func sendAndReceive(t *testing.T, broker *moldau.Broker, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Bootstrap), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: "orders", Value: []byte(value)}
	sent, err := client.ProduceSync(ctx, record).First()
	if err != nil || sent.Offset != 0 {
		t.Fatalf("not the first record: %v %v", sent, err)
	}
	got := client.PollFetches(ctx)
	if err := got.Err(); err != nil {
		t.Fatal(err)
	}
	if records := got.Records(); len(records) != 1 || string(records[0].Value) != value {
		t.Fatalf("other records: %v", records)
	}
}

func TestARecordGoesInAndOutAlsoAfterAReset(t *testing.T) {
	began := time.Now()
	broker, err := moldau.Start("num.partitions=1")
	if err != nil {
		t.Fatal(err)
	}
	started := time.Since(began)
	sendAndReceive(t, broker, "tea")
	began = time.Now()
	if err := broker.Reset(); err != nil {
		t.Fatal(err)
	}
	reset := time.Since(began)
	sendAndReceive(t, broker, "bread")
	began = time.Now()
	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("start %v, reset %v, stop %v", started, reset, time.Since(began))
}
