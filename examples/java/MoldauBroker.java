// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A Kafka broker for tests: a `moldau server` that ends with this process. */
public final class MoldauBroker implements AutoCloseable {
    private final Process process;
    private final BufferedReader lines;
    private String bootstrap;

    /** Returns when clients can connect. The overrides are Kafka's keys, "num.partitions=3". */
    public MoldauBroker(String... overrides) throws IOException {
        String program = System.getenv().getOrDefault("MOLDAU", "moldau");
        List<String> words = new ArrayList<>(List.of(program, "server", "--port", "0",
            "--temporary", "--ready-fd", "1", "--control-fd", "0"));
        for (String pair : overrides)
            words.addAll(List.of("--override", pair));
        process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        lines = new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        awaitReady();
    }

    private void awaitReady() throws IOException {
        String line = lines.readLine();
        if (line == null || !line.startsWith("ready "))
            throw new IOException("moldau server: " + line);
        bootstrap = line.substring("ready ".length());
    }

    /** Where clients connect: "127.0.0.1:40213". */
    public String bootstrap() {
        return bootstrap;
    }

    /** Removes all topics, groups and records; the address stays. */
    public void reset() throws IOException {
        OutputStream control = process.getOutputStream();
        control.write("reset\n".getBytes(StandardCharsets.UTF_8));
        control.flush();
        awaitReady();
    }

    /** Ends the process, and its data with it. */
    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (process.waitFor() != 0)
                throw new IOException("moldau server ended with " + process.exitValue());
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
