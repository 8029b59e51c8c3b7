package dev.heddle.backend.cpu;

import dev.heddle.backend.cpu.kernel.InnerLoops;
import dev.heddle.conformance.input.Output;
import dev.heddle.conformance.input.Placed;
import dev.heddle.conformance.input.Request;
import dev.heddle.core.tensor.HostMemorySpace;

/** Runs a request with chosen inner loops, on the calling thread. */
final class SerialRun {
    private SerialRun() {}

    static Output run(Request request, InnerLoops loops) {
        CpuSchedule schedule = new CpuSchedule(request.spec(), request.batch(), 0, 1,
                UnitKernel.decodes(request.spec(), loops));
        UnitKernel kernel = new UnitKernel(request.spec(), request.batch(), schedule, loops, false);
        Scratch scratch = new Scratch(schedule.maxRows(), schedule.maxHeads(),
                Scratch.padded(request.spec().headDimQk()),
                Scratch.padded(request.spec().headDimVo()), false);
        scratch.prefill.prepare(schedule.maxRows(), Scratch.padded(request.spec().headDimQk()),
                Scratch.padded(request.spec().headDimVo()));
        try (HostMemorySpace space = new HostMemorySpace(); Placed placed = new Placed(space, request, 1)) {
            kernel.bind(placed.q(), placed.kv(), placed.out(), placed.lse(), placed.heads());
            for (int tile = 0; tile < schedule.tiles(); tile++) {
                for (int range = 0; range < schedule.headRanges(tile); range++) {
                    kernel.load(scratch, tile, range);
                    kernel.clearTotal(scratch, tile, range);
                    for (int chunk = 0; chunk < schedule.chunks(tile); chunk++) {
                        kernel.chunk(scratch, tile, range, schedule.firstChunk(tile) + chunk);
                        kernel.fold(scratch.total, 0, scratch.chunk, 0, tile, range);
                    }
                    kernel.store(scratch, tile, range);
                }
            }
            String trespass = placed.trespass();
            if (!trespass.isEmpty()) {
                throw new AssertionError(trespass);
            }
            return placed.read();
        }
    }
}
