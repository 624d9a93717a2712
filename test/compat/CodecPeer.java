// SPDX-License-Identifier: Apache-2.0

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
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
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
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
    private static final byte DEFAULTS = 1;

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

    /** Whether this is a record set; the class is in another package since 4.4. */
    private static boolean isRecords(Field field) {
        return field.getType().getSimpleName().equals("BaseRecords");
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
            if (isRecords(field)) {
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

    /** A field of a version, with the fields inside if it is a struct. */
    private static final class Node {
        final String name;
        final List<Node> inside = new ArrayList<>();

        Node(String name) {
            this.name = name;
        }
    }

    /** Reads lines of depth and name. */
    private static Node readFields(String text) {
        List<Node> path = new ArrayList<>();
        path.add(new Node(""));
        for (String line : text.lines().toList()) {
            int depth = Integer.parseInt(line.substring(0, line.indexOf(' ')));
            Node node = new Node(line.substring(line.indexOf(' ') + 1));
            path.get(depth).inside.add(node);
            path.subList(depth + 1, path.size()).clear();
            path.add(node);
        }
        return path.get(0);
    }

    /** kRaftVersion -> kraft_version: what Kafka does with the names of fields. */
    private static String snake(String name) {
        StringBuilder out = new StringBuilder();
        boolean wasCapital = true;
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean isCapital = i == 0 || Character.isUpperCase(c);
            if (isCapital && !wasCapital)
                out.append('_');
            out.append(Character.toLowerCase(c));
            wasCapital = isCapital;
        }
        return out.toString();
    }

    private static Field find(Object message, String name) {
        for (Field field : message.getClass().getDeclaredFields())
            if (snake(field.getName()).equals(name)) {
                field.setAccessible(true);
                return field;
            }
        throw new IllegalStateException(message.getClass().getName() + " has no " + name);
    }

    /** What a collection of structs consists of; null if it is no such collection. */
    private static Class<?> elementClass(Field field) {
        Type type = field.getGenericType();
        if (type instanceof Class<?> collection)
            type = collection.getGenericSuperclass();
        if (!(type instanceof ParameterizedType generic))
            return null;
        return generic.getActualTypeArguments()[0] instanceof Class<?> element ? element : null;
    }

    private static Object emptyRecords() throws Exception {
        String name = "org.apache.kafka.common.record.internal.MemoryRecords";
        try {
            return Class.forName(name).getField("EMPTY").get(null);
        } catch (ClassNotFoundException older) {
            return Class.forName(name.replace(".internal", "")).getField("EMPTY").get(null);
        }
    }

    /** Puts a new element into each array of structs. */
    @SuppressWarnings("unchecked")
    private static void fill(Node node, Object message) throws Exception {
        for (Node child : node.inside) {
            Field field = find(message, child.name);
            Object value = field.get(message);
            // A new message lacks record sets, also where they may not be null.
            if (isRecords(field))
                field.set(message, emptyRecords());
            if (child.inside.isEmpty() || value == null)
                continue;
            if (value instanceof Collection<?> collection) {
                Object element = elementClass(field).getConstructor().newInstance();
                fill(child, element);
                ((Collection<Object>) collection).add(element);
            } else {
                fill(child, value);
            }
        }
    }

    private static JsonNode leaf(Object value) {
        if (value instanceof Collection<?> collection && collection.isEmpty())
            return MAPPER.createArrayNode();
        if (value instanceof ByteBuffer buffer)
            return new BinaryNode(remaining(buffer));
        if (value instanceof Uuid)
            return new TextNode(value.toString());
        return MAPPER.valueToTree(value);
    }

    /** All values of a message, or none but what is needed to have its elements. */
    private static ObjectNode describe(Node node, Object message, boolean isFull) throws Exception {
        ObjectNode out = MAPPER.createObjectNode();
        for (Node child : node.inside) {
            Field field = find(message, child.name);
            Object value = field.get(message);
            if (isRecords(field)) {
                out.put(child.name, "");
            } else if (child.inside.isEmpty() || value == null) {
                if (isFull)
                    out.set(child.name, leaf(value));
            } else if (value instanceof Collection<?> collection) {
                ArrayNode array = out.putArray(child.name);
                for (Object element : collection)
                    array.add(describe(child, element, isFull));
            } else {
                ObjectNode inside = describe(child, value, isFull);
                if (!inside.isEmpty())
                    out.set(child.name, inside);
            }
        }
        return out;
    }

    private void answerDefaults(Kind kind, short version, byte[] fields) throws Exception {
        Node root = readFields(new String(fields, StandardCharsets.UTF_8));
        Message message = (Message) kind.decode.getDeclaringClass().getConstructor().newInstance();
        fill(root, message);
        byte[] full = MAPPER.writeValueAsBytes(describe(root, message, true));
        byte[] empty = MAPPER.writeValueAsBytes(describe(root, message, false));
        byte[] bytes = encode(message, version);
        out.writeByte(1);
        putSized(full);
        putSized(empty);
        putSized(bytes);
    }

    /** One question of a batch. */
    private record Question(byte what, String name, short version, byte[] first, byte[] second) {}

    private static Question read(DataInputStream in) throws Exception {
        byte what = in.readByte();
        String name = new String(getSized(in), StandardCharsets.UTF_8);
        short version = in.readShort();
        byte[] first = getSized(in);
        return new Question(what, name, version, first, what == DEFAULTS ? null : getSized(in));
    }

    private void answer(Question q) throws Exception {
        try {
            Kind kind = kinds.get(q.name);
            if (kind == null) {
                kind = new Kind(q.name);
                kinds.put(q.name, kind);
            }
            if (q.what == DEFAULTS)
                answerDefaults(kind, q.version, q.first);
            else
                answer(kind, q.version, q.first, q.second);
        } catch (Exception | LinkageError error) {
            complain(error);
        }
    }

    private void serve(DataInputStream in) throws Exception {
        for (int count = in.readInt(); count > 0; count = in.readInt()) {
            List<Question> questions = new ArrayList<>();
            for (int i = 0; i < count; i++)
                questions.add(read(in));
            for (Question question : questions)
                answer(question);
            out.flush();
        }
    }

    public static void main(String[] args) throws Exception {
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
        System.setOut(System.err);
        new CodecPeer(out).serve(new DataInputStream(new BufferedInputStream(System.in, 1 << 16)));
    }
}
