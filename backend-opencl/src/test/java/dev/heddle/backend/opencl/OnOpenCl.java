package dev.heddle.backend.opencl;

import dev.heddle.core.capability.Rejection;
import dev.heddle.core.spi.Availability;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Arrays;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Tests that need a device. Without one the build says so in a line and goes on; with {@code -Dheddle.require=opencl} it
 * fails.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(OnOpenCl.Condition.class)
@interface OnOpenCl {
    /** Looks for a device. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            String words = absence(System.getProperty("heddle.require", ""));
            if (words == null) {
                return ConditionEvaluationResult.enabled("there is a device");
            }
            System.out.println("heddle: " + context.getDisplayName() + " does not run here: " + words);
            return ConditionEvaluationResult.disabled(words);
        }

        /**
         * Returns why there is no device, or null if there is one.
         *
         * @throws AssertionError if there is none, and the build requires one
         */
        static String absence(String required) {
            if (!(new OpenClBackendProvider().probe() instanceof Availability.Unavailable absent)) {
                return null;
            }
            String words = absent.rejections().stream().map(Rejection::message).toList().toString();
            if (Arrays.asList(required.split(",")).contains(OpenClBackendProvider.ID)) {
                throw new AssertionError("heddle.require names opencl, but " + words);
            }
            return words;
        }
    }
}
