package dev.nibble.constraint;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The least and the greatest value of a number, both included. */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Range {
    /** The least value; by default that of the type. */
    double min() default Double.NEGATIVE_INFINITY;

    /** The greatest value; by default that of the type. */
    double max() default Double.POSITIVE_INFINITY;
}
