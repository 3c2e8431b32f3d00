"""Lets os-vif leave the integration bridge in user space: read by the service whose PYTHONPATH names this folder.

Before it plugs an instance, os-vif sets the type of the integration bridge's datapath: to what Neutron says of the
port, else to `system`, the kernel's. ML2/OVN says nothing. Where Open vSwitch works in user space (`netdev`), the
bridge was taken down for each instance that started, until ovn-controller set its type back; and now and then
ovn-controller left out flows afterwards, so that an instance got no address, or was not reached at its floating
address.
"""

import sys
from importlib.machinery import PathFinder


class UserSpace:
    """Finds os-vif's plugin for Open vSwitch where it is, and makes `netdev` the type that it assumes."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The module's spec, as of any finder on sys.meta_path; None for every other module."""
        spec = PathFinder.find_spec(name, path, target) if name == "vif_plug_ovs.ovs" else None
        if spec:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                told = module.OvsPlugin._get_vif_datapath_type
                module.OvsPlugin._get_vif_datapath_type = staticmethod(
                    lambda vif, datapath="netdev": told(vif, datapath)
                )

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, UserSpace)
