package dev.heddle.conformance.isolation;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.heddle.conformance.CaseResult;
import dev.heddle.conformance.ConformanceCase;
import dev.heddle.conformance.report.JsonLines;
import dev.heddle.core.spi.AttentionBackendProvider;
import dev.heddle.core.spi.DeviceInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a child VM writes: one JSON object a line, each with its kind. */
final class Protocol {
    static final String KIND = "kind";
    static final String VERSION = "version";
    static final String CASES = "cases";
    static final String START = "start";
    static final String RESULT = "result";
    static final String DEVICE = "device";
    static final String DONE = "done";

    private Protocol() {}

    /** Writes lines so that each is in the file, whole, before the call returns: a crash then loses none. */
    static final class Writer implements AutoCloseable {
        private final FileChannel file;
        private boolean deviceKnown;

        Writer(Path path) throws IOException {
            file = FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        }

        void version(AttentionBackendProvider provider) throws IOException {
            JsonObject event = event(VERSION);
            String version;
            try {
                version = provider.version();
            } catch (RuntimeException | LinkageError | AssertionError e) {
                version = "unknown: " + e;
            }
            event.addProperty(VERSION, version);
            write(event);
        }

        void cases(List<ConformanceCase> cases) throws IOException {
            JsonArray list = new JsonArray();
            for (ConformanceCase kase : cases) {
                JsonObject one = new JsonObject();
                one.addProperty("rule", kase.rule());
                one.addProperty("name", kase.name());
                one.addProperty("numeric", kase.numeric());
                list.add(one);
            }
            JsonObject event = event(CASES);
            event.add(CASES, list);
            write(event);
        }

        void start(ConformanceCase kase) throws IOException {
            JsonObject event = event(START);
            event.addProperty("rule", kase.rule());
            event.addProperty("name", kase.name());
            event.addProperty("numeric", kase.numeric());
            write(event);
        }

        /** Says that all is done, or that time is over: what comes after is no case's fault. */
        void done() throws IOException {
            write(event(DONE));
        }

        void result(CaseResult result, @Nullable DeviceInfo device) throws IOException {
            if (device != null && !deviceKnown) {
                deviceKnown = true;
                JsonObject event = event(DEVICE);
                event.addProperty("space", device.space().toString());
                event.addProperty("name", device.name());
                event.addProperty("arch", device.arch());
                event.addProperty("memory", device.memoryBytes());
                event.addProperty("driver", device.driver());
                write(event);
            }
            JsonObject event = event(RESULT);
            event.addProperty(RESULT, JsonLines.line(result));
            write(event);
        }

        private static JsonObject event(String kind) {
            JsonObject event = new JsonObject();
            event.addProperty(KIND, kind);
            return event;
        }

        private void write(JsonObject event) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap((event + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
