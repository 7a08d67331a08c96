package dev.nibble.tornado;

import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices of TornadoVM. A class of its own, as merely loading it fails where TornadoVM is missing. */
final class TornadoDevices {
    private TornadoDevices() {}

    static List<TornadoProbe.Found> find() {
        List<TornadoProbe.Found> found = new ArrayList<>();
        TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
        for (int driver = 0; driver < runtime.getNumBackends(); driver++) {
            TornadoBackend backend = runtime.getBackend(driver);
            for (int i = 0; i < backend.getNumDevices(); i++) {
                TornadoDevice device = backend.getDevice(i);
                String type = device.getDeviceType().name();
                found.add(new TornadoProbe.Found(
                        driver + ":" + i,
                        new TornadoGpu(device, backend.getBackendType().name()),
                        type.equals("GPU") || type.equals("ACCELERATOR")));
            }
        }
        return found;
    }
}
