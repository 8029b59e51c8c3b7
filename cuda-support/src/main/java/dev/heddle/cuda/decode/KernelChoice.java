package dev.heddle.cuda.decode;

import dev.heddle.core.Evolving;
import dev.heddle.core.attention.BatchShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A kernel and the requests of a batch that take it.
 *
 * @param kernel the kernel
 * @param members for each request whether it takes this kernel; null: all do
 * @since 0.1
 */
@Evolving
public record KernelChoice(DecodeKernel kernel, boolean @Nullable [] members) {
    /** Returns the choice of one kernel for all requests. */
    public static KernelChoice all(DecodeKernel kernel) {
        return new KernelChoice(kernel, null);
    }

    /** Returns whether a request takes this kernel. */
    public boolean has(int request) {
        return members == null || (request < members.length && members[request]);
    }

    /**
     * Chooses for each request by its own number of query rows, so that the kernel does not depend on the others.
     *
     * @param byQoLen the kernel of requests with so many query rows
     */
    public static List<KernelChoice> each(BatchShape batch, IntFunction<DecodeKernel> byQoLen) {
        if (batch.minQoLen() == batch.maxQoLen()) {
            return List.of(all(byQoLen.apply(batch.maxQoLen())));
        }
        Map<DecodeKernel, boolean[]> members = new LinkedHashMap<>();
        for (int i = 0; i < batch.batchSize(); i++) {
            if (batch.qoLen(i) > 0) {
                members.computeIfAbsent(byQoLen.apply(batch.qoLen(i)),
                        kernel -> new boolean[batch.batchSize()])[i] = true;
            }
        }
        List<KernelChoice> choices = new ArrayList<>();
        members.forEach((kernel, takers) -> choices.add(new KernelChoice(kernel, takers)));
        return choices;
    }

    /**
     * Says what the kernels of a plan do for a new batch.
     *
     * @param has the plan's kernels
     * @param wanted what the batch would get
     * @param keeps whether the plan keeps its kernels and leaves idle what is not wanted, since launches are recorded
     * @param exactly whether a request must have the kernel that it wants
     * @return a choice for each kernel of the plan, or nothing if they will not do
     */
    static List<KernelChoice> onto(List<DecodeKernel> has, List<KernelChoice> wanted, boolean keeps,
            boolean exactly) {
        if (keeps && !exactly) {
            // Not the best for the new batch, maybe, but able to run it.
            DecodeKernel kept = has.getFirst();
            return wanted.getFirst().kernel().general() && !kept.general() ? List.of() : List.of(all(kept));
        }
        Map<DecodeKernel, KernelChoice> byKernel = new LinkedHashMap<>();
        wanted.forEach(choice -> byKernel.put(choice.kernel(), choice));
        List<KernelChoice> choices = new ArrayList<>();
        for (DecodeKernel kernel : has) {
            KernelChoice choice = byKernel.remove(kernel);
            if (choice == null && !keeps) {
                return List.of();
            }
            choices.add(choice == null ? new KernelChoice(kernel, new boolean[0]) : choice);
        }
        return byKernel.isEmpty() ? choices : List.of();
    }
}
