// SPDX-License-Identifier: Apache-2.0

package moldau

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// kcat stands for the program that is tested; in franz/ a client in Go does.
func kcat(t *testing.T, broker *Broker, input string, words ...string) string {
	t.Helper()
	command := exec.Command("kcat", append(words, "-b", broker.Bootstrap, "-t", "orders")...)
	command.Stdin = strings.NewReader(input)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kcat %v: %v", words, err)
	}
	return string(out)
}

func sendAndReceive(t *testing.T, broker *Broker, value string) {
	t.Helper()
	kcat(t, broker, value+"\n", "-P")
	if got := kcat(t, broker, "", "-C", "-e", "-q", "-f", "%o %s"); got != "0 "+value {
		t.Fatalf("not the first and only record: %q", got)
	}
}

func TestARecordGoesInAndOutAlsoAfterAReset(t *testing.T) {
	began := time.Now()
	broker, err := Start("num.partitions=1")
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

func TestWhatIsWrongIsSaid(t *testing.T) {
	if _, err := Start("num.partition=1"); err == nil {
		t.Fatal("an unknown key was taken")
	}
}
