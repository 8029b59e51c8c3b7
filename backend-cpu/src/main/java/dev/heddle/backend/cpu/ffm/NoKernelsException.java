package dev.heddle.backend.cpu.ffm;

/** Thrown where the kernels in C cannot run. */
public final class NoKernelsException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What is wrong. */
    private final String problem;
    /** What to do. */
    private final String remedy;

    NoKernelsException(String problem, String remedy) {
        super(problem + "; " + remedy);
        this.problem = problem;
        this.remedy = remedy;
    }

    /** Returns what is wrong. */
    public String problem() {
        return problem;
    }

    /** Returns what to do. */
    public String remedy() {
        return remedy;
    }
}
