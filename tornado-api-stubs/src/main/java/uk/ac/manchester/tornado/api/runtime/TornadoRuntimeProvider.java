package uk.ac.manchester.tornado.api.runtime;

import uk.ac.manchester.tornado.api.Declarations;
import uk.ac.manchester.tornado.api.TornadoRuntime;

public class TornadoRuntimeProvider {
    public TornadoRuntimeProvider() {}

    public static TornadoRuntime getTornadoRuntime() {
        throw Declarations.only();
    }
}
