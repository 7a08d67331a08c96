package uk.ac.manchester.tornado.api.common;

import uk.ac.manchester.tornado.api.TornadoTargetDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;

public interface TornadoDevice {
    TornadoTargetDevice getPhysicalDevice();

    String getPlatformName();

    TornadoDeviceType getDeviceType();
}
