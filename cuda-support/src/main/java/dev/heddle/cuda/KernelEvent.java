package dev.heddle.cuda;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A kernel was found or compiled. */
@Name("dev.heddle.Kernel")
@Label("Kernel loaded")
@Category("Heddle")
@StackTrace(false)
final class KernelEvent extends Event {
    @Label("Kernel")
    @Nullable
    String kernel;

    /** Where the image came from: jar, disk, compiler. */
    @Label("Origin")
    @Nullable
    String origin;
}
