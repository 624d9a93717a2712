// SPDX-License-Identifier: Apache-2.0

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;

/**
 * Kafka's half of codec.py: decodes, converts and encodes messages with Kafka's own generated
 * classes. What goes over the pipes is told in codec_peer.c.
 */
public class CodecPeer {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** One of Kafka's message classes, with its JSON converter. */
    private static final class Kind {
        final Constructor<?> decode;
        final Method read;
        final Method write;

        Kind(String name) throws ReflectiveOperationException {
            Class<?> message = Class.forName(name);
            Class<?> converter = Class.forName(name + "JsonConverter");
            decode = message.getConstructor(Readable.class, short.class);
            read = converter.getMethod("read", JsonNode.class, short.class);
            write = converter.getMethod("write", message, short.class, boolean.class);
        }
    }

    private final Map<String, Kind> kinds = new HashMap<>();
    private final DataOutputStream out;

    CodecPeer(DataOutputStream out) {
        this.out = out;
    }

    private static byte[] getSized(DataInputStream in) throws Exception {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    private void putSized(byte[] bytes) throws Exception {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static byte[] encode(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        int size = message.size(cache, version);
        ByteBuffer buffer = ByteBuffer.allocate(size);
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining())
            throw new IllegalStateException(buffer.remaining() + " bytes less than measured");
        return buffer.array();
    }

    private static byte[] remaining(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /** The converters leave out the bytes of record sets: puts them in, where there are some. */
    private static void addRecords(JsonNode node, Object message) throws Exception {
        if (node.isArray()) {
            Iterator<?> elements = ((Iterable<?>) message).iterator();
            for (JsonNode element : (ArrayNode) node)
                addRecords(element, elements.next());
            return;
        }
        if (!node.isObject())
            return;
        ObjectNode object = (ObjectNode) node;
        for (Field field : message.getClass().getDeclaredFields()) {
            JsonNode child = object.get(field.getName());
            if (child == null || child.isNull())
                continue;
            if (field.getType().getSimpleName().equals("BaseRecords")) {
                field.setAccessible(true);
                Object records = field.get(message);
                Method buffer = records.getClass().getMethod("buffer");
                object.set(field.getName(),
                           new BinaryNode(remaining((ByteBuffer) buffer.invoke(records))));
            } else if (child.isObject() || (child.isArray() && !child.isEmpty())) {
                field.setAccessible(true);
                addRecords(child, field.get(message));
            }
        }
    }

    private void answer(Kind kind, short version, byte[] bytes, byte[] json) throws Exception {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Message decoded = (Message) kind.decode.newInstance(new ByteBufferAccessor(buffer), version);
        if (buffer.hasRemaining())
            throw new IllegalStateException(buffer.remaining() + " bytes are left over");
        JsonNode text = (JsonNode) kind.write.invoke(null, decoded, version, true);
        addRecords(text, decoded);
        Message converted = (Message) kind.read.invoke(null, MAPPER.readTree(json), version);
        byte[] said = MAPPER.writeValueAsBytes(text);
        byte[] again = encode(decoded, version);
        byte[] fromText = encode(converted, version);
        out.writeByte(1);
        putSized(said);
        putSized(again);
        putSized(fromText);
    }

    private void complain(Throwable error) throws Exception {
        StringWriter trace = new StringWriter();
        Throwable cause = error instanceof InvocationTargetException ? error.getCause() : error;
        cause.printStackTrace(new PrintWriter(trace));
        out.writeByte(0);
        putSized(trace.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void serve(DataInputStream in) throws Exception {
        for (int count = in.readInt(); count > 0; count = in.readInt()) {
            Object[][] cases = new Object[count][];
            for (int i = 0; i < count; i++) {
                String name = new String(getSized(in), StandardCharsets.UTF_8);
                cases[i] = new Object[] {name, in.readShort(), getSized(in), getSized(in)};
            }
            for (Object[] one : cases) {
                try {
                    Kind kind = kinds.get(one[0]);
                    if (kind == null) {
                        kind = new Kind((String) one[0]);
                        kinds.put((String) one[0], kind);
                    }
                    answer(kind, (Short) one[1], (byte[]) one[2], (byte[]) one[3]);
                } catch (Exception | LinkageError error) {
                    complain(error);
                }
            }
            out.flush();
        }
    }

    public static void main(String[] args) throws Exception {
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
        System.setOut(System.err);
        new CodecPeer(out).serve(new DataInputStream(new BufferedInputStream(System.in, 1 << 16)));
    }
}
