package dev.heddle.cli.bench;

import dev.heddle.cli.bench.HostBench.Result;
import dev.heddle.cli.input.Case;
import dev.heddle.cli.peer.PeerException;
import dev.heddle.cli.peer.PeerProgram;
import dev.heddle.cli.peer.PeerRow;
import dev.heddle.cli.peer.PeerVm;
import dev.heddle.cli.peer.PeerVm.Answer;
import dev.heddle.core.tensor.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Times peers beside Heddle, each in a VM of its own, one after another. They have f32 KV and some int8; neither pages
 * nor Heddle's other types make a difference to them, so a shape that differs in these alone is not timed again.
 */
final class PeerBench implements AutoCloseable {
    private final List<PeerProgram> programs;
    private final Path folder;
    private final Map<String, Running> running = new HashMap<>();
    private final Set<String> timed = new HashSet<>();
    private final Set<String> told = new HashSet<>();

    /** A VM and the threads it computes with, which some peers fix when they start. */
    private record Running(PeerVm vm, int threads) {}

    PeerBench(List<PeerProgram> programs) throws IOException {
        this.programs = programs;
        this.folder = Files.createTempDirectory("heddle-bench");
    }

    int count() {
        return programs.size();
    }

    /**
     * Times a shape.
     *
     * @param heddle what Heddle made of the same values, or null if it refused them
     */
    void time(HostRow row, Case input, @Nullable Result heddle, BenchSink sink) throws IOException {
        boolean int8 = row.spec().kDtype() == DataType.INT8;
        List<String> types = (int8 ? List.of("f32", "int8") : List.of("f32")).stream()
                .filter(type -> timed.add(key(row, type))).toList();
        String why = heddle == null ? "there is no result of Heddle to compare with" : refusal(row);
        Path values = folder.resolve("input.f32");
        if (why == null && !types.isEmpty()) {
            PeerInputs.write(input, values);
        }
        for (PeerProgram program : programs) {
            for (String type : types) {
                try {
                    String refused = why != null || heddle == null ? why
                            : time(program, peerRow(row, input, type, values), row, input, heddle, sink);
                    // What a peer never does is told once.
                    if (refused != null && told.add(program.id() + type + refused)) {
                        sink.skip(program.id() + " " + type, row.shape(), refused);
                    }
                } catch (PeerException e) {
                    stop(program);
                    sink.skip(program.id() + " " + type, row.shape(), String.valueOf(e.getMessage()));
                }
            }
            sink.step();
        }
        Files.deleteIfExists(values);
    }

    private static String key(HostRow row, String type) {
        var shape = row.shape();
        return String.join(" ", shape.heads(), String.valueOf(shape.headDim()), shape.batch(),
                String.valueOf(shape.causal()), String.valueOf(row.threads()), type);
    }

    /** Returns why the protocol cannot carry a shape, or null. */
    private static @Nullable String refusal(HostRow row) {
        return IntStream.range(0, row.batch().batchSize())
                .anyMatch(i -> row.batch().qoLen(i) < 1 || row.batch().kvLen(i) < row.batch().qoLen(i))
                        ? "peers take requests with 1 row or more and no fewer KV tokens than rows" : null;
    }

    private PeerRow peerRow(HostRow row, Case input, String type, Path values) {
        var spec = row.spec();
        var batch = row.batch();
        int copies = HostRow.copies(row.kvBytes(input, DataType.ofId(type).byteSize()));
        return new PeerRow(spec.numQoHeads(), spec.numKvHeads(), spec.headDimQk(),
                IntStream.range(0, batch.batchSize()).map(batch::qoLen).toArray(),
                IntStream.range(0, batch.batchSize()).map(batch::kvLen).toArray(), spec.causal(), type,
                input.kv().scales().k(0), input.kv().scales().v(0), row.threads(), copies, row.millis(),
                row.millis(), values, folder.resolve("output.f32"));
    }

    /** Times a row on a peer and returns its refusal, or null. */
    private @Nullable String time(PeerProgram program, PeerRow wanted, HostRow row, Case input,
            Result heddle, BenchSink sink) throws IOException, PeerException {
        PeerVm vm = vm(program, row.threads());
        if (vm.prepare(wanted) instanceof Answer.Refused(String message)) {
            return message;
        }
        Difference difference =
                Difference.of(PeerInputs.read(wanted.output()), heddle.out(), row.spec().outDtype());
        double kvBytes = row.kvBytes(input, DataType.ofId(wanted.kvDtype()).byteSize());
        HostRow.Measured measured = row.measure(kvBytes, vm::time);
        vm.release();
        sink.add(row.row(program.id(), wanted.kvDtype(), measured, kvBytes, difference, heddle.micros()));
        return null;
    }

    private PeerVm vm(PeerProgram program, int threads) throws IOException {
        Running one = running.get(program.id());
        if (one != null && one.threads() == threads && one.vm().alive()) {
            return one.vm();
        }
        stop(program);
        PeerVm vm = new PeerVm(program);
        running.put(program.id(), new Running(vm, threads));
        return vm;
    }

    private void stop(PeerProgram program) {
        Running one = running.remove(program.id());
        if (one != null) {
            one.vm().close();
        }
    }

    @Override
    public void close() throws IOException {
        programs.forEach(this::stop);
        for (String file : List.of("input.f32", "output.f32")) {
            Files.deleteIfExists(folder.resolve(file));
        }
        Files.deleteIfExists(folder);
    }
}
