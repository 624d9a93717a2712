// SPDX-License-Identifier: Apache-2.0

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Prints what Kafka's own tables say, a line for each fact: facts.py compares them with ours.
 * Everything is read by reflection, since packages differ between releases.
 */
public class Facts {
    private static final String COMMON = "org.apache.kafka.common.";
    private static final String SERVER = "org.apache.kafka.server.common.";

    private static void say(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words)
            line.append(line.length() == 0 ? "" : "\t").append(word);
        System.out.println(line);
    }

    private static Class<?> type(String... names) throws ClassNotFoundException {
        for (String name : names) {
            try {
                return Class.forName(name);
            } catch (ClassNotFoundException another) {
                // The next name is that of another release.
            }
        }
        throw new ClassNotFoundException(names[0]);
    }

    /** The answer of the method with this name that takes these arguments. */
    private static Object call(Object object, String name, Object... arguments) throws Exception {
        Class<?> owner = object instanceof Class<?> itself ? itself : object.getClass();
        for (; owner != null; owner = owner.getSuperclass())
            for (Method method : owner.getDeclaredMethods())
                if (method.getName().equals(name)
                    && method.getParameterCount() == arguments.length) {
                    method.setAccessible(true);
                    return method.invoke(object instanceof Class<?> ? null : object, arguments);
                }
        throw new NoSuchMethodException(name);
    }

    private static Object get(Object object, String name) throws Exception {
        Class<?> owner = object instanceof Class<?> itself ? itself : object.getClass();
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(object);
    }

    private static String snake(String name) {
        StringBuilder out = new StringBuilder();
        boolean wasCapital = true;
        for (char c : name.toCharArray()) {
            if (Character.isUpperCase(c) && !wasCapital)
                out.append('_');
            wasCapital = Character.isUpperCase(c);
            out.append(Character.toLowerCase(c));
        }
        return out.toString();
    }

    /** Whether there is a version left; 3.9 had no API without. */
    private static boolean hasVersions(Object api) throws Exception {
        try {
            return (boolean) call(api, "hasValidVersion");
        } catch (NoSuchMethodException older) {
            return true;
        }
    }

    private static void apis() throws Exception {
        for (Object api : type(COMMON + "protocol.ApiKeys").getEnumConstants()) {
            if (!hasVersions(api))
                continue;
            Object key = get(api, "id");
            Set<String> listeners = new TreeSet<>();
            for (Object listener : (Collection<?>) call(get(api, "messageType"), "listeners"))
                listeners.add(listener.toString().toLowerCase());
            say("api", key, snake((String) get(api, "name")), String.join(",", listeners));
            short stable = (short) call(api, "latestVersion", false);
            short lowest = (short) call(api, "oldestVersion");
            for (short v = lowest; v <= (short) call(api, "latestVersion", true); v++)
                say("version", key, v, v <= stable ? "stable" : "unstable",
                    "request header " + call(api, "requestHeaderVersion", v),
                    "response header " + call(api, "responseHeaderVersion", v));
        }
    }

    private static void errors() throws Exception {
        Class<?> retriable = type(COMMON + "errors.RetriableException");
        Class<?> refresh = type(COMMON + "errors.RefreshRetriableException",
                                COMMON + "errors.InvalidMetadataException");
        for (Object error : type(COMMON + "protocol.Errors").getEnumConstants()) {
            Object exception = call(error, "exception");
            String retry = refresh.isInstance(exception) ? "refresh"
                         : retriable.isInstance(exception) ? "retriable" : "fatal";
            say("error", call(error, "code"), error, retry);
        }
    }

    private static void records(String log, String name) throws Exception {
        for (Object record : type(name).getEnumConstants()) {
            say("record", log, call(record, "id"), record.toString().toLowerCase(),
                call(record, "lowestSupportedVersion") + "-"
                    + call(record, "highestSupportedVersion"));
        }
    }

    private static void features() throws Exception {
        for (Object feature : (Iterable<?>) get(type(SERVER + "Feature"), "PRODUCTION_FEATURES")) {
            Object name = call(feature, "featureName");
            say("feature", name, call(feature, "minimumProduction") + "-"
                + call(feature, "latestProduction"));
            for (Object level : (Object[]) call(feature, "featureVersions"))
                for (Map.Entry<?, ?> need : ((Map<?, ?>) call(level, "dependencies")).entrySet())
                    say("needs", name, call(level, "featureLevel"), need.getKey(),
                        need.getValue());
        }
        Object lowest = get(type(SERVER + "MetadataVersion"), "MINIMUM_VERSION");
        Object highest = get(type(SERVER + "MetadataVersion"), "LATEST_PRODUCTION");
        say("feature", "metadata.version",
            call(lowest, "featureLevel") + "-" + call(highest, "featureLevel"));
        for (Object version : type(SERVER + "MetadataVersion").getEnumConstants()) {
            Object level = call(version, "featureLevel");
            say("metadata.version", level, call(version, "version"),
                (boolean) call(version, "didMetadataChange") ? "changed" : "same");
            for (Object f : (Iterable<?>) get(type(SERVER + "Feature"), "PRODUCTION_FEATURES"))
                say("default", level, call(f, "featureName"), call(f, "defaultLevel", version));
        }
    }

    private static String textOf(Object value) {
        if (!(value instanceof Collection<?> list))
            return String.valueOf(value);
        StringJoiner words = new StringJoiner(",");
        for (Object word : list)
            words.add(word instanceof Class<?> named ? named.getName() : word.toString());
        return words.toString();
    }

    /** Our words for types: a class is a text, and so is a password. */
    private static String typeOf(Object key) throws Exception {
        String type = get(key, "type").toString().toLowerCase();
        return type.equals("short") ? "int"
             : type.equals("class") || type.equals("password") ? "string" : type;
    }

    /** The least and the most that a whole number may be. */
    private static void bounds(String of, Object name, Object key) throws Exception {
        boolean isLong = typeOf(key).equals("long");
        if (!isLong && !typeOf(key).equals("int"))
            return;
        boolean isShort = get(key, "type").toString().equals("SHORT");
        Object low = isLong ? Long.MIN_VALUE : isShort ? Short.MIN_VALUE : Integer.MIN_VALUE;
        Object high = isLong ? Long.MAX_VALUE : isShort ? Short.MAX_VALUE : Integer.MAX_VALUE;
        Object validator = get(key, "validator");
        if (validator != null && validator.getClass().getSimpleName().equals("Range")) {
            low = get(validator, "min") == null ? low : get(validator, "min");
            high = get(validator, "max") == null ? high : get(validator, "max");
        }
        say("bounds", of, name, low + " to " + high);
    }

    /** The settings of a definition: name, type and default. */
    private static void configs(String of, Object keys, boolean withInternal) throws Exception {
        for (Map.Entry<?, ?> entry : new TreeMap<>((Map<?, ?>) keys).entrySet()) {
            Object key = entry.getValue();
            if ((boolean) get(key, "internalConfig") && !withInternal)
                continue;
            Object initial = (boolean) call(key, "hasDefault")
                           ? textOf(get(key, "defaultValue")) : "(required)";
            say("config", of, entry.getKey(), typeOf(key), initial);
            bounds(of, entry.getKey(), key);
        }
    }

    public static void main(String[] args) throws Exception {
        apis();
        if (args.length > 0 && args[0].equals("apis"))
            return;
        errors();
        records("metadata", COMMON + "metadata.MetadataRecordType");
        records("groups", "org.apache.kafka.coordinator.group.generated.CoordinatorRecordType");
        records("transactions",
                "org.apache.kafka.coordinator.transaction.generated.CoordinatorRecordType");
        records("share", "org.apache.kafka.coordinator.share.generated.CoordinatorRecordType");
        records("remote", "org.apache.kafka.server.log.remote.metadata.storage.generated."
                + "MetadataRecordType");
        features();
        Map<Object, Object> broker = new TreeMap<>((Map<?, ?>) call(
            type("org.apache.kafka.server.config.DynamicConfig$Broker"), "configKeys"));
        broker.putAll((Map<?, ?>) call(
            call(type("kafka.server.KafkaConfig"), "configDef"), "configKeys"));
        configs("broker", broker, true);
        configs("topic", call(type("org.apache.kafka.storage.internals.log.LogConfig"),
                              "configKeys"), false);
    }
}
