package dev.heddle.backend.opencl.device;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A program was taken from the cache or compiled. */
@Name("dev.heddle.OpenClProgram")
@Label("OpenCL program made ready")
@Category("Heddle")
@StackTrace(false)
final class ProgramEvent extends Event {
    @Label("Program")
    @Nullable
    String program;

    /** Where it came from: disk, compiler. */
    @Label("Origin")
    @Nullable
    String origin;
}
