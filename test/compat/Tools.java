// SPDX-License-Identifier: Apache-2.0

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's tools one after the other in one process, so that hundreds of command
 * lines take seconds.
 *
 * A request on standard input: i32 count of words, each an i32 size and UTF-8 (the first is the
 * tool's class), and the bytes of its standard input in the same form. The answer on standard
 * output: i32 exit status, standard output, standard error, each with its size. A tool that ends
 * the process itself has ENDS_PROCESS for a status: it is the process's.
 */
public class Tools {
    /** What ends a tool instead of the process. */
    static class Ended extends Error {
        Ended() {
            super(null, null, false, false);
        }
    }

    /** What a tool has said until it wanted to end, and with which status. */
    static class Result {
        Integer status;
        byte[] out, err;
        final ByteArrayOutputStream outStream = new ByteArrayOutputStream();
        final ByteArrayOutputStream errStream = new ByteArrayOutputStream();

        /** The first call counts: tools catch what ends them and try once more. */
        void end(int status) {
            if (this.status != null)
                return;
            System.out.flush();
            System.err.flush();
            this.status = status;
            out = outStream.toByteArray();
            err = errStream.toByteArray();
        }
    }

    static final int ENDS_PROCESS = -1;

    static Result result;

    static byte[] read(DataInputStream in) throws IOException {
        return in.readNBytes(in.readInt());
    }

    static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static void run(String tool, String[] args) throws Exception {
        try {
            Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args);
            result.end(0);
        } catch (InvocationTargetException e) {
            if (result.status != null)
                return;
            System.err.print("Exception in thread \"main\" ");
            e.getCause().printStackTrace();
            result.end(1);
        }
    }

    static void answer(DataOutputStream answers, Result result) throws IOException {
        answers.writeInt(result.status);
        write(answers, result.out);
        write(answers, result.err);
        answers.flush();
    }

    /** Runs when the process ends: in the midst of a tool, since it has called System.exit(). */
    static void answerLast(DataOutputStream answers) {
        if (result == null || result.status != null)
            return;
        try {
            result.end(ENDS_PROCESS);
            answer(answers, result);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static void exit(int status, String message) {
        result.end(status);
        throw new Ended();
    }

    public static void main(String[] none) throws Exception {
        DataInputStream requests = new DataInputStream(new FileInputStream(FileDescriptor.in));
        DataOutputStream answers = new DataOutputStream(new FileOutputStream(FileDescriptor.out));
        Exit.setExitProcedure(Tools::exit);
        Exit.setHaltProcedure(Tools::exit);
        // A producer is closed by a hook at the end of the process: here at the end of the tool.
        List<Runnable> hooks = new ArrayList<>();
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> answerLast(answers)));
        for (;;) {
            int count;
            try {
                count = requests.readInt();
            } catch (IOException end) {
                System.exit(0);
                return;
            }
            String[] words = new String[count];
            for (int i = 0; i < count; i++)
                words[i] = new String(read(requests), StandardCharsets.UTF_8);
            System.setIn(new ByteArrayInputStream(read(requests)));
            result = new Result();
            System.setOut(new PrintStream(result.outStream, true));
            System.setErr(new PrintStream(result.errStream, true));
            run(words[0], Arrays.copyOfRange(words, 1, count));
            for (Runnable hook : hooks)
                hook.run();
            hooks.clear();
            answer(answers, result);
        }
    }
}
