// SPDX-License-Identifier: Apache-2.0

// Package moldau runs a Kafka broker for tests as a child process.
package moldau

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Broker is a `moldau server` that ends with this process, since its standard input does.
type Broker struct {
	Bootstrap string // "127.0.0.1:40213"
	command   *exec.Cmd
	control   io.WriteCloser
	lines     *bufio.Reader
}

// Start returns when clients can connect.  The overrides are Kafka's keys, "num.partitions=3".
func Start(overrides ...string) (*Broker, error) {
	program := os.Getenv("MOLDAU")
	if program == "" {
		program = "moldau"
	}
	words := []string{"server", "--port", "0", "--temporary", "--ready-fd", "1", "--control-fd", "0"}
	for _, pair := range overrides {
		words = append(words, "--override", pair)
	}
	command := exec.Command(program, words...)
	command.Stderr = os.Stderr
	control, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	broker := &Broker{command: command, control: control, lines: bufio.NewReader(out)}
	return broker, broker.awaitReady()
}

func (b *Broker) awaitReady() error {
	line, err := b.lines.ReadString('\n')
	if err != nil {
		return fmt.Errorf("moldau server has ended: %w", err)
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if word != "ready" {
		return fmt.Errorf("moldau server: %s", rest)
	}
	b.Bootstrap = rest
	return nil
}

// Reset removes all topics, groups and records; the address stays.
func (b *Broker) Reset() error {
	if _, err := io.WriteString(b.control, "reset\n"); err != nil {
		return err
	}
	return b.awaitReady()
}

// Stop ends the process, and its data with it.
func (b *Broker) Stop() error {
	b.control.Close()
	return b.command.Wait()
}
