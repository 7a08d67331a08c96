package uk.ac.manchester.tornado.api.math;

public final class TornadoMath {
    private TornadoMath() {}

    public static float exp(float value) {
        return (float) Math.exp(value);
    }

    public static float log(float value) {
        return (float) Math.log(value);
    }

    public static float sqrt(float value) {
        return (float) Math.sqrt(value);
    }
}
